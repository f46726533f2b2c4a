//! When secrets, and clients that need none, were used last: in the row of each.

use super::{StoreError, Tx, parameter::Parameter as _};
use crate::domain::SecretId;

statements! {
    API_KEY_SECRETS = "
        update api_key_secrets set last_used_minute = $1
        where (last_used_minute is null or last_used_minute < $1 - 60)
            and id in ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";

    CLIENT_SECRETS = "
        update client_secrets set last_used_minute = $1
        where (last_used_minute is null or last_used_minute < $1 - 60)
            and id in ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";

    CLIENTS = "
        update clients set last_used_minute = $1
        where (last_used_minute is null or last_used_minute < $1 - 60)
            and id in ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
}

/// As many as each statement has places for.
const AT_ONCE: usize = 16;

/// Remembers that these were used in this minute; does nothing for those of which an hour before it
/// is remembered already. Each table knows its own: where the first has them all, and keys are what
/// is used most, the others are not asked.
pub async fn mark(tx: &mut Tx, minute: i64, counted_as: &[SecretId]) -> Result<(), StoreError> {
    for some in counted_as.chunks(AT_ONCE) {
        for statement in [API_KEY_SECRETS, CLIENT_SECRETS, CLIENTS] {
            // Places that are left over name one twice, which changes nothing.
            let places = some.iter().cycle().take(AT_ONCE);
            let marked = execute_built!(tx, statement, |query| {
                places.fold(query.bind(minute.bound()), |query, id| query.bind(id.0.bound()))
            })?;
            if usize::try_from(marked) == Ok(some.len()) {
                break;
            }
        }
    }
    Ok(())
}
