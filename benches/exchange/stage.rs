//! Everything that stands while the cells of the same conditions are measured.

use std::{path::Path, sync::Arc};

use keyturn::domain::Algorithm;

use crate::{
    cell::{Cell, Conditions, Reuse, Usage},
    database::Database,
    keys::Keys,
    load::Load,
    measure::{self, Side},
    pinning::Pinning,
    process::{Server, free_address},
    report,
    request::Request,
    seed,
};

pub(crate) struct Stage {
    pub(crate) database: Database,
    pub(crate) keys: Arc<Keys>,
    pub(crate) floor: Server,
    pub(crate) keyturn: Server,
}

impl Stage {
    /// Starts both servers and lets keyturn meet every key once, which tells what a key costs that
    /// is not in memory.
    pub(crate) async fn set(
        folder: &Path,
        conditions: Conditions,
        pinning: &Pinning,
    ) -> anyhow::Result<Self> {
        let database = Database::prepare(folder, conditions).await?;
        let keys = Arc::new(Keys::new(conditions.keys));
        let mut request = Request::new(Algorithm::Es256, Reuse::New);
        let first = request.of(&keys, 0);
        let floor = start_floor(folder, pinning, first).await?;
        let keyturn = start_keyturn(folder, conditions, &database, pinning, first).await?;
        let stage = Self { database, keys, floor, keyturn };

        let idle = stage.keyturn.private_mib()?;
        let load = stage.load(Side::Keyturn, &Cell::HEADLINE);
        let cold = measure::cold(&stage, &load).await?;
        report::stage(conditions, &stage, idle, &cold)?;
        Ok(stage)
    }

    pub(crate) fn load(&self, side: Side, cell: &Cell) -> Load {
        let address = self.server(side).address;
        let Cell { work, algorithm, connections, reuse, .. } = *cell;
        Load { address, keys: Arc::clone(&self.keys), work, algorithm, connections, reuse }
    }

    pub(crate) fn server(&self, side: Side) -> &Server {
        match side {
            Side::Floor => &self.floor,
            Side::Keyturn => &self.keyturn,
        }
    }
}

async fn start_floor(folder: &Path, pinning: &Pinning, first: &[u8]) -> anyhow::Result<Server> {
    let address = free_address()?;
    let arguments = ["--floor", &address.to_string()];
    let program = std::env::current_exe()?;
    Server::start(&program, &arguments, &[], address, pinning, folder, first).await
}

async fn start_keyturn(
    folder: &Path,
    conditions: Conditions,
    database: &Database,
    pinning: &Pinning,
    first: &[u8],
) -> anyhow::Result<Server> {
    let address = free_address()?;
    let usage = match conditions.usage {
        Usage::BeforeReply => "before-reply",
        Usage::Soon => "soon",
    };
    let refreshes = if conditions.refreshes { "true" } else { "false" };
    let environment = [
        ("KEYTURN_LISTEN", &*address.to_string()),
        ("KEYTURN_DATABASE__URL", &*database.url),
        ("KEYTURN_SIGNING__KEY_ENCRYPTION_KEY", &*seed::key_encryption_key()),
        ("KEYTURN_USAGE__RECORD", usage),
        ("KEYTURN_REFRESH_TOKENS__FOR_API_KEYS", refreshes),
        ("KEYTURN_REFRESH_TOKENS__ROTATE_FOR_API_KEYS", refreshes),
    ];
    let program = Path::new(env!("CARGO_BIN_EXE_keyturn"));
    Server::start(program, &["serve"], &environment, address, pinning, folder, first).await
}
