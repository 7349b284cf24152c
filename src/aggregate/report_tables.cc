#include "aggregate/report_tables.h"

namespace salus::aggregate {
namespace {

// key_check      one sealed row: the key is the one that the file was made with.
// tasks          config is DapTask's JSON; the three secrets are sealed.
// progress       next_place grows only, so that a place never means two reports; ended_ms is NULL
//                while the task takes reports.
// refusals       why reports of a task were not counted, and how many.
// hpke_keys      waiting is how many reports wait that are sealed to the key; private_key is
//                sealed, and NULL once retired.
// report_ids     the leader's: every report ever admitted; the helper's: every report committed.
// reports        the leader's queue; place = task number << 40 | place in the task.
// leader_jobs    the one job of a task that is on its way.
// helper_jobs    answers, by job; NULL once forgotten.
// buckets        what is added up; share is sealed.
// collections    collection jobs of the leader, aggregate shares of the helper; closing_place is
//                the last place that was taken when the batch was closed.
constexpr storage::Migration kMigrations[] = {{R"sql(
CREATE TABLE key_check (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE tasks (
  number INTEGER PRIMARY KEY, task_id BLOB NOT NULL UNIQUE, role INTEGER NOT NULL,
  config TEXT NOT NULL, collector BLOB NOT NULL, verify_key BLOB NOT NULL,
  aggregator_token BLOB NOT NULL, collector_token BLOB NOT NULL);
CREATE TABLE progress (
  task INTEGER PRIMARY KEY REFERENCES tasks (number), next_place INTEGER NOT NULL,
  waiting INTEGER NOT NULL, aggregated INTEGER NOT NULL);
CREATE TABLE refusals (
  task INTEGER NOT NULL, error INTEGER NOT NULL, reports INTEGER NOT NULL,
  PRIMARY KEY (task, error)) WITHOUT ROWID;
CREATE TABLE hpke_keys (
  config_id INTEGER PRIMARY KEY, state INTEGER NOT NULL, config BLOB NOT NULL, private_key BLOB,
  made_ms INTEGER NOT NULL, replaced_ms INTEGER, waiting INTEGER NOT NULL);
CREATE TABLE report_ids (
  task INTEGER NOT NULL, id BLOB NOT NULL, PRIMARY KEY (task, id)) WITHOUT ROWID;
CREATE TABLE reports (
  place INTEGER PRIMARY KEY, config_id INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE leader_jobs (
  task INTEGER PRIMARY KEY, job_id BLOB NOT NULL, first_place INTEGER NOT NULL,
  last_place INTEGER NOT NULL, batch_id BLOB, request BLOB NOT NULL);
CREATE TABLE helper_jobs (
  number INTEGER PRIMARY KEY, task INTEGER NOT NULL, job_id BLOB NOT NULL,
  request_sha256 BLOB NOT NULL, answer BLOB, UNIQUE (task, job_id));
CREATE TABLE buckets (
  task INTEGER NOT NULL, bucket BLOB NOT NULL, reports INTEGER NOT NULL, checksum BLOB NOT NULL,
  first_time INTEGER NOT NULL, last_time INTEGER NOT NULL, share BLOB NOT NULL,
  PRIMARY KEY (task, bucket));
CREATE TABLE collections (
  number INTEGER PRIMARY KEY, task INTEGER NOT NULL, id BLOB NOT NULL, state INTEGER NOT NULL,
  request BLOB NOT NULL, request_sha256 BLOB NOT NULL, first_bucket BLOB, last_bucket BLOB,
  closing_place INTEGER, share_request BLOB NOT NULL, leader_share BLOB NOT NULL,
  report_count INTEGER NOT NULL, interval BLOB NOT NULL, checksum BLOB NOT NULL,
  answer BLOB NOT NULL, failure TEXT NOT NULL, UNIQUE (task, id));
CREATE INDEX collections_by_bucket ON collections (task, last_bucket);
CREATE INDEX collections_by_request ON collections (task, request_sha256);
)sql"},
                                              // In the leader-selected mode each job looks for a
                                              // batch to fill, among all that were ever collected.
                                              {R"sql(
CREATE INDEX buckets_by_reports ON buckets (task, reports);
)sql"},
                                              // What may be pruned of a task that has ended is
                                              // found without a look at all of its jobs.
                                              {R"sql(
ALTER TABLE progress ADD COLUMN ended_ms INTEGER;
CREATE INDEX helper_jobs_answered ON helper_jobs (task) WHERE answer IS NOT NULL;
)sql"}};

}  // namespace

std::span<const storage::Migration> ReportTables() { return kMigrations; }

}  // namespace salus::aggregate
