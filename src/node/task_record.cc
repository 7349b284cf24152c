#include "node/task_record.h"

#include "codec/json.h"

namespace salus::node {

Result<TaskRecord> TaskRecord::Parse(std::string_view text) {
  TRY(const codec::Json json, codec::ParseJson(text));
  TRY(const codec::JsonObject* object, codec::AsObject(json, "the record of a task"));
  TaskRecord record;
  TRY(record.study, codec::StringAt(*object, "study"));
  TRY(record.helper_root, codec::StringAt(*object, "helper_root"));
  TRY(record.helper_machine_url, codec::StringAt(*object, "helper_machine_url"));
  TRY(record.is_closed, codec::BoolAt(*object, "closed"));
  if (object->size() != 4) return InvalidArgument("the record of a task has an unknown member");
  return record;
}

std::string TaskRecord::ToText() const {
  codec::JsonObject object;
  object["study"] = study;
  object["helper_root"] = helper_root;
  object["helper_machine_url"] = helper_machine_url;
  object["closed"] = is_closed;
  return codec::WriteJsonPretty(object);
}

}  // namespace salus::node
