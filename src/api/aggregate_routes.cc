// The routes of secure aggregation: DAP's, and those of who runs its tasks.

#include "api/aggregate_routes.h"

#include "api/handlers.h"

namespace salus::api {

namespace {

using http::Method;
using pki::Role;

constexpr std::uint64_t kTaskBody = 64 * 1024;
constexpr std::uint64_t kUploadBody = 4 * 1024 * 1024;
constexpr std::uint64_t kJobBody = 32 * 1024 * 1024;
constexpr std::uint64_t kRequestBody = 64 * 1024;
constexpr char kJson[] = "application/json";
constexpr char kDap[] = "application/ppm-dap";

// Whoever is not anybody shows the task's token, and on the machine door a certificate too: the
// handlers see to that.
Endpoint Dap(Method method, const char* pattern, const char* name, const char* summary,
             Answer answer) {
  return {.method = method,
          .pattern = pattern,
          .door = Door::kBoth,
          .name = name,
          .summary = summary,
          .entry = "none: reports say nothing before they are added up",
          .answers = kDap,
          .answer = answer,
          .is_by_admission = true,
          .is_repeatable = true,
          .is_quiet = true};
}

Endpoint WithBody(Endpoint endpoint, std::vector<std::string> content_types,
                  std::uint64_t limit_bytes) {
  endpoint.content_types = std::move(content_types);
  endpoint.body_limit_bytes = limit_bytes;
  return endpoint;
}

std::vector<Endpoint> ClientRoutes() {
  Endpoint config = Dap(Method::kGet, "/dap/hpke_config", "getHpkeConfig",
                        "The keys that reports are sealed to (DAP-18, DAP-09)", GetHpkeConfig);
  config.parameters = {"task_id"};
  config.is_by_admission = false;
  Endpoint preflight = Dap(Method::kOptions, "/dap/tasks/{task}/reports", "preflightReports",
                           "Lets web pages upload", AnswerPreflight);
  preflight.door = Door::kPublic;
  preflight.is_by_admission = false;
  Endpoint post = WithBody(Dap(Method::kPost, "/dap/tasks/{task}/reports", "postReports",
                               "Upload reports, many at once (DAP-18)", PostReports),
                           {kDap}, kUploadBody);
  Endpoint put = WithBody(Dap(Method::kPut, "/dap/tasks/{task}/reports", "putReport",
                              "Upload a report (DAP-09)", PutReport),
                          {"application/dap-report"}, kUploadBody);
  post.is_by_admission = false;
  put.is_by_admission = false;
  return {std::move(config), std::move(preflight), std::move(post), std::move(put)};
}

std::vector<Endpoint> HelperRoutes() {
  constexpr char kJobs[] = "/dap/tasks/{task}/aggregation_jobs";
  constexpr char kJob[] = "/dap/tasks/{task}/aggregation_jobs/{job}";
  constexpr char kShares[] = "/dap/tasks/{task}/aggregate_shares";
  constexpr char kShare[] = "/dap/tasks/{task}/aggregate_shares/{job}";
  Endpoint shares =
      WithBody(Dap(Method::kPost, kShares, "postAggregateShares",
                   "The helper's share of a batch, to the leader", PostAggregateShares),
               {kDap, "application/dap-aggregate-share-req"}, kRequestBody);
  shares.entry = "kind 7, in clear: what was released";
  Endpoint poll =
      Dap(Method::kGet, kJob, "getAggregationJob", "The answer of a job", GetAggregationJob);
  poll.parameters = {"step"};
  return {
      WithBody(Dap(Method::kPost, kJobs, "postAggregationJobs",
                   "Verify the reports of a job, from the leader (DAP-18)", PostAggregationJobs),
               {kDap}, kJobBody),
      WithBody(Dap(Method::kPut, kJob, "putAggregationJob",
                   "Verify the reports of a job, from the leader (DAP-09)", PutAggregationJob),
               {"application/dap-aggregation-job-init-req"}, kJobBody),
      WithBody(Dap(Method::kPost, kJob, "postAggregationJob",
                   "Continue a job: Prio3 has nothing to continue", PostAggregationJob),
               {kDap, "application/dap-aggregation-job-continue-req"}, kJobBody),
      std::move(poll),
      Dap(Method::kDelete, kJob, "deleteAggregationJob", "Forget the answer of a job",
          DeleteAggregationJob),
      std::move(shares),
      Dap(Method::kGet, kShare, "getAggregateShare", "A share that was given", GetAggregateShare),
      Dap(Method::kDelete, kShare, "deleteAggregateShare", "Forget a share that was given",
          DeleteAggregateShare),
  };
}

std::vector<Endpoint> CollectorRoutes() {
  constexpr char kJobs[] = "/dap/tasks/{task}/collection_jobs";
  constexpr char kJob[] = "/dap/tasks/{task}/collection_jobs/{job}";
  constexpr char kEntry[] = "kind 7, in clear, when the batch is there";
  Endpoint post = WithBody(Dap(Method::kPost, kJobs, "postCollectionJobs",
                               "Ask for a batch (DAP-18)", PostCollectionJobs),
                           {kDap}, kRequestBody);
  Endpoint put = WithBody(
      Dap(Method::kPut, kJob, "putCollectionJob", "Ask for a batch (DAP-09)", PutCollectionJob),
      {"application/dap-collect-req"}, kRequestBody);
  post.entry = kEntry;
  put.entry = kEntry;
  return {
      std::move(post),
      std::move(put),
      Dap(Method::kGet, kJob, "getCollectionJob", "A batch, once it is there (DAP-18)",
          PollCollectionJob),
      Dap(Method::kPost, kJob, "pollCollectionJob", "A batch, once it is there (DAP-09)",
          PollCollectionJob),
      Dap(Method::kDelete, kJob, "deleteCollectionJob",
          "Forget a batch; it is never collected again", DeleteCollectionJob),
  };
}

std::vector<Endpoint> StudyRoutes() {
  const Roles owners = Roles(Role::kResearcher) | Role::kOfficer;
  return {
      {.pattern = "/aggregate/v1/tasks",
       .roles = owners,
       .name = "listAggregateTasks",
       .summary = "The tasks of this aggregator, and how far they are",
       .entry = "none: tasks are public",
       .parameters = {"offset", "limit"},
       .answer = ListAggregateTasks,
       .is_quiet = true},
      {.method = Method::kPost,
       .pattern = "/aggregate/v1/tasks",
       .roles = owners,
       .name = "postAggregateTask",
       .summary = "Take part in a task, as its leader or its helper",
       .entry = "kind 7, in clear",
       .content_types = {kJson},
       .body_limit_bytes = kTaskBody,
       .answer = PostAggregateTask},
      {.method = Method::kPost,
       .pattern = "/aggregate/v1/tasks/{task}/close",
       .roles = owners,
       .name = "postTaskClose",
       .summary = "Take no more reports of a task",
       .entry = "none: nothing is released",
       .answer = PostTaskClose},
      {.pattern = "/aggregate/v1/keys",
       .roles = owners,
       .name = "getHpkeKey",
       .summary = "How old the key is that clients seal to",
       .entry = "none: keys are public",
       .answer = GetHpkeKey,
       .is_quiet = true},
      {.method = Method::kPost,
       .pattern = "/aggregate/v1/keys",
       .roles = Role::kOfficer,
       .name = "postHpkeKey",
       .summary = "Offer clients a new key to seal to",
       .entry = "none: reports stay as they are",
       .answer = PostHpkeKey},
  };
}

}  // namespace

std::vector<Endpoint> AggregateRoutes() {
  std::vector<Endpoint> all;
  for (auto part : {ClientRoutes(), HelperRoutes(), CollectorRoutes(), StudyRoutes()}) {
    std::move(part.begin(), part.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace salus::api
