//! Two read-only connections, so that a long listing holds up no commit.
//! They see whatever was committed before they were asked, and never checkpoint.
use super::open;
use crate::store::StoreError;
use rusqlite::Connection;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{sync::Semaphore, task::spawn_blocking};

const MOST: u32 = 2;

pub(super) struct Readers {
    path: PathBuf,
    free: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        let turns = Semaphore::new(usize::try_from(MOST).unwrap_or(1));
        Self { path, free: Arc::default(), turns: Arc::new(turns) }
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.alone(|conn| {
            let tx = conn.transaction()?;
            work(&tx)
        })
        .await
    }

    /// Outside a transaction.
    pub(super) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| closed())?;
        let (path, free) = (self.path.clone(), self.free.clone());
        let reading = spawn_blocking(move || {
            let kept = lock(&free).pop();
            let mut conn = match kept {
                Some(conn) => conn,
                None => open::reader(&path)?,
            };
            let read = work(&mut conn);
            lock(&free).push(conn);
            drop(turn);
            read
        });
        reading.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Waits for those that read.
    pub(super) async fn close(&self) {
        let last = self.turns.acquire_many(MOST).await;
        self.turns.close();
        lock(&self.free).clear();
        drop(last);
    }
}

fn lock(free: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    free.lock().unwrap_or_else(PoisonError::into_inner)
}

fn closed() -> StoreError {
    StoreError::Broken("the store is closed".to_owned())
}
