//! What every store must do, run against each of them; a new store is one more line in `runs!`.
//! The model test beside it draws random steps and compares all that can be seen.
mod admission;
pub(in crate::store) mod fixtures;
mod model;
mod parts;
mod pictures;
mod sending;
mod texts;

use super::{
    memory::MemoryStore,
    sqlite::{Options, SqliteStore},
};

macro_rules! runs {
    ($($module:ident: $($test:ident)*;)*) => {
        mod memory_store { $($(
            #[tokio::test]
            async fn $test() {
                super::$module::$test(&super::MemoryStore::default()).await;
            }
        )*)* }

        mod sqlite_store { $($(
            #[tokio::test]
            async fn $test() {
                let folder = tempfile::tempdir().expect("a folder");
                super::$module::$test(&super::sqlite(folder.path())).await;
            }
        )*)* }
    };
}

runs! {
    admission:
        a_request_is_taken_once
        an_older_epoch_is_stale
        a_taken_job_id_changes_nothing
        fresh_ids_are_given_once
        cursor_and_notes_outlive_the_lease
        the_pause_is_kept
        a_room_keeps_its_defaults
        the_index_has_what_is_open
        newest_jobs_come_first;
    parts:
        one_engine_claims_a_part
        what_was_submitted_is_given_again
        a_released_part_runs_again
        a_released_part_of_a_cancelled_job_ends
        stale_runs_write_nothing
        the_last_part_has_the_last_word
        several_images_want_a_grid
        an_image_may_stand_in_for_the_grid
        a_failed_part_is_told_when_nothing_was_made
        waiting_jobs_are_cancelled_at_once
        running_parts_are_interrupted
        what_was_made_before_a_cancel_is_shown
        only_what_no_engine_has_expires;
    sending:
        newer_words_replace_those_not_begun
        what_has_begun_goes_first
        what_was_not_sent_gives_way
        only_a_retraction_follows_a_last_word
        doubt_is_kept_until_it_is_cleared
        checkpoints_belong_to_their_delivery
        failures_back_off
        refusals_close_the_row
        too_large_is_told_in_private
        late_words_are_not_sent
        another_epoch_may_not_send
        a_superseded_word_may_have_been_sent
        due_rows_come_in_order_and_in_pages
        followers_see_every_commit
        messages_find_their_job;
    pictures:
        links_are_made_with_the_end
        one_image_is_taken_back
        a_whole_job_is_taken_back
        pictures_go_before_recipes
        private_jobs_go_early
        the_oldest_make_room
        shared_blobs_stay_while_one_job_names_them
        unclaimed_blobs_get_time
        keys_and_answers_are_forgotten
        numbers_are_counted;
    texts:
        a_text_has_no_job_and_expires
        texts_stay_until_they_expire
        a_text_stays_for_the_last_of_its_links
        texts_make_room_as_pictures_do
        a_picture_that_is_taken_back_leaves_its_text;
}

fn sqlite(folder: &std::path::Path) -> SqliteStore {
    SqliteStore::open(&folder.join("inkwire.db"), &Options::default()).expect("a fresh store")
}
