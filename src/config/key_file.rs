//! The file that holds the key-encryption key: made once, read by no one else, never replaced.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::{fs::OFlags, process::geteuid};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("others can read {path} (mode {mode:04o}): run `chmod 600 {path}`", path = .path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error(
        "{path} belongs to user {owner}, and this process runs as user {ours}: run `chown {ours} \
         {path}`, or delete the file if it is not yours",
        path = .path.display()
    )]
    Foreign { path: PathBuf, owner: u32, ours: u32 },
    #[error(
        "{} is empty: restore it from a backup. A new key could not open what the lost one \
         encrypted, so none is made",
        .0.display()
    )]
    Empty(PathBuf),
    #[error("cannot read {}", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    #[error("cannot create {}", .0.display())]
    Uncreatable(PathBuf, #[source] io::Error),
}

/// Reads the file; where there is none, makes it with its folder and what `make` returns.
///
/// Of any number of processes that start at once one makes the file and all return its content.
/// A crash on the way leaves no file or the whole file.
pub fn load_or_create(
    path: &Path,
    make: impl FnOnce() -> SecretString,
) -> Result<SecretString, KeyFileError> {
    if let Some(secret) = load(path)? {
        return Ok(secret);
    }
    create(path, make)?;
    let vanished = || KeyFileError::Unreadable(path.to_owned(), ErrorKind::NotFound.into());
    load(path)?.ok_or_else(vanished)
}

/// Reads the file; `None` where there is none.
pub fn load(path: &Path) -> Result<Option<SecretString>, KeyFileError> {
    let unreadable = |error| KeyFileError::Unreadable(path.to_owned(), error);
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(unreadable)?,
    };
    // Of the open file, not of the path: no one can swap it in between.
    let metadata = file.metadata().map_err(unreadable)?;
    check_owner(path, &metadata)?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(unreadable)?;
    if text.trim().is_empty() {
        return Err(KeyFileError::Empty(path.to_owned()));
    }
    Ok(Some(text.trim().into()))
}

/// Another user could replace what is in the file. Files of root are those of an operator.
fn check_owner(path: &Path, metadata: &Metadata) -> Result<(), KeyFileError> {
    let (owner, ours) = (metadata.uid(), geteuid().as_raw());
    if owner == ours || owner == 0 {
        return Ok(());
    }
    Err(KeyFileError::Foreign { path: path.to_owned(), owner, ours })
}

/// Writes beside the path and gives the file its name when it is whole. Leaves a file alone that
/// is there by then.
fn create(path: &Path, make: impl FnOnce() -> SecretString) -> Result<(), KeyFileError> {
    let uncreatable = |error| KeyFileError::Uncreatable(path.to_owned(), error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(uncreatable)?;
    let mut draft_path = path.as_os_str().to_owned();
    draft_path.push(".new");
    let draft_path = PathBuf::from(draft_path);
    let draft = draft(&draft_path)?;
    publish(draft, &draft_path, path, make).map_err(uncreatable)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(uncreatable)
}

/// A new file, or the one of another process of ours that makes the same file or died on the way:
/// never what another user left there, never what a link points to.
fn draft(path: &Path) -> Result<File, KeyFileError> {
    let uncreatable = |error| KeyFileError::Uncreatable(path.to_owned(), error);
    loop {
        let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        match new {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => (),
            opened => return opened.map_err(uncreatable),
        }
        let not_by_link = OFlags::NOFOLLOW.bits().cast_signed();
        let known = OpenOptions::new().write(true).custom_flags(not_by_link).open(path);
        match known {
            // The other process has made the file meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => (),
            Err(error) => return Err(uncreatable(error)),
            Ok(draft) => {
                let metadata = draft.metadata().map_err(uncreatable)?;
                check_owner(path, &metadata)?;
                let mode = metadata.permissions().mode() & 0o7777;
                if mode & 0o077 != 0 {
                    return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
                }
                return Ok(draft);
            }
        }
    }
}

fn publish(
    mut draft: File,
    draft_path: &Path,
    path: &Path,
    make: impl FnOnce() -> SecretString,
) -> io::Result<()> {
    // Other processes that want to make the file wait here, and then find it made.
    draft.lock()?;
    if !path.try_exists()? {
        // What a crash left of an earlier draft.
        draft.set_len(0)?;
        draft.write_all(make().expose_secret().as_bytes())?;
        draft.write_all(b"\n")?;
        draft.sync_all()?;
        // Unlike a rename, refuses where the path exists.
        fs::hard_link(draft_path, path)?;
    }
    match fs::remove_file(draft_path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, thread};

    use super::*;

    fn refuses_to_make() -> SecretString {
        panic!("there is a file")
    }

    fn write(path: &Path, text: &str, mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn jw_06_the_file_and_its_folder_are_made_for_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/kek");

        let created = load_or_create(&path, || "secret".into()).unwrap();
        let read = load_or_create(&path, refuses_to_make).unwrap();

        assert_eq!((created.expose_secret(), read.expose_secret()), ("secret", "secret"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn jw_06_a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        for mode in [0o640, 0o604, 0o620, 0o601] {
            write(&path, "secret", mode);
            let refusal = load_or_create(&path, refuses_to_make).unwrap_err().to_string();
            assert!(refusal.contains(&format!("chmod 600 {}", path.display())), "{refusal}");
        }
    }

    /// As root, which may give files away; otherwise the files of another user cannot be made.
    fn give_away(path: &Path) -> bool {
        geteuid().is_root() && std::os::unix::fs::chown(path, Some(65_534), None).is_ok()
    }

    #[test]
    fn fx_24a_a_file_of_another_user_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        write(&path, "secret", 0o600);
        if give_away(&path) {
            let refusal = load_or_create(&path, refuses_to_make).unwrap_err().to_string();
            assert!(refusal.contains("belongs to user 65534"), "{refusal}");
        }
    }

    #[test]
    fn fx_24a_a_draft_of_another_user_is_not_adopted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        let draft = folder.path().join("kek.new");
        write(&draft, "theirs", 0o666);
        let exposed = load_or_create(&path, refuses_to_make).unwrap_err();
        assert!(matches!(exposed, KeyFileError::Exposed { .. }), "{exposed}");
        write(&draft, "theirs", 0o600);
        if give_away(&draft) {
            let foreign = load_or_create(&path, refuses_to_make).unwrap_err();
            assert!(matches!(foreign, KeyFileError::Foreign { .. }), "{foreign}");
        }
        assert!(!path.exists());
    }

    #[test]
    fn fx_24a_a_draft_is_not_written_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        let target = folder.path().join("target");
        write(&target, "precious", 0o600);
        std::os::unix::fs::symlink(&target, folder.path().join("kek.new")).unwrap();

        let refusal = load_or_create(&path, refuses_to_make).unwrap_err();

        assert!(matches!(refusal, KeyFileError::Uncreatable(..)), "{refusal}");
        assert_eq!(fs::read(&target).unwrap(), b"precious");
    }

    #[test]
    fn jw_10_an_empty_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        write(&path, "\n", 0o600);

        let refusal = load_or_create(&path, refuses_to_make).unwrap_err();

        assert!(matches!(refusal, KeyFileError::Empty(_)));
        assert_eq!(fs::read(&path).unwrap(), b"\n");
    }

    #[test]
    fn of_many_who_make_the_file_at_once_all_get_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        write(&folder.path().join("kek.new"), "what a crash left behind", 0o600);

        let start = |name: u8| {
            let path = path.clone();
            thread::spawn(move || load_or_create(&path, || name.to_string().into()).unwrap())
        };
        let started: Vec<_> = (0..16).map(start).collect();
        let secrets: Vec<_> = started.into_iter().map(|thread| thread.join().unwrap()).collect();

        let made = fs::read_to_string(&path).unwrap();
        assert!(secrets.iter().all(|secret| secret.expose_secret() == made.trim()));
    }
}
