// The routes of who runs the tasks of an aggregator.

#include "client/connection.h"
#include "client/json_read.h"
#include "client/secret_access.h"
#include "http/uri.h"

namespace salus::client {
namespace {

constexpr char kTasks[] = "/aggregate/v1/tasks";
constexpr std::uint64_t kMaxTasks = 1'000'000;

Error NoSuchAnswer(const std::string& where, const Error& error) {
  return Unavailable(where + " does not answer as expected: " + error.message);
}

}  // namespace

// The file passes through the text of a request, for the time of the request.
Result<void> Connection::PutAggregateTask(const SecretBytes& task_file) {
  Call call;
  call.method = http::Method::kPost;
  call.path = kTasks;
  call.content_type = "application/json";
  call.body = std::string(AsText(task_file.view(ClientSecrets::Token())));
  const auto answer = Ask(*api_, call);
  WipeMemory(call.body.data(), call.body.size());
  TRY_VOID(answer);
  return {};
}

Result<std::vector<codec::JsonObject>> Connection::AggregateTasks() {
  std::vector<codec::JsonObject> rows;
  for (std::uint64_t offset = 0; offset < kMaxTasks;) {
    Call call;
    call.path = kTasks;
    call.query = "offset=" + std::to_string(offset);
    TRY(const codec::JsonObject object, AskJson(call));
    const Result<const codec::JsonArray*> items = codec::ArrayAt(object, "tasks");
    if (!items) return NoSuchAnswer(where_, items.error());
    for (const codec::Json& item : **items) {
      const Result<const codec::JsonObject*> one = codec::AsObject(item, "task");
      if (!one) return NoSuchAnswer(where_, one.error());
      rows.push_back(**one);
    }
    if (!object.contains("next")) return rows;
    const Result<std::uint64_t> next = CountAt(object, "next");
    if (!next || *next <= offset) {
      return NoSuchAnswer(where_, InvalidArgument("next: does not go on"));
    }
    offset = *next;
  }
  return NoSuchAnswer(where_, InvalidArgument("tasks: there are too many"));
}

Result<void> Connection::CloseAggregateTask(std::string_view task_id) {
  Call call;
  call.method = http::Method::kPost;
  call.path = std::string(kTasks) + "/" + http::PercentEncode(task_id) + "/close";
  TRY_VOID(Ask(*api_, call));
  return {};
}

Result<codec::JsonObject> Connection::AggregateKey() {
  Call call;
  call.path = "/aggregate/v1/keys";
  return AskJson(call);
}

Result<std::uint64_t> Connection::RotateAggregateKeys() {
  Call call;
  call.method = http::Method::kPost;
  call.path = "/aggregate/v1/keys";
  TRY(const codec::JsonObject answer, AskJson(call));
  const Result<std::uint64_t> forgotten = CountAt(answer, "forgotten");
  if (!forgotten) return NoSuchAnswer(where_, forgotten.error());
  return *forgotten;
}

}  // namespace salus::client
