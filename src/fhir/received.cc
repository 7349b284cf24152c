#include "fhir/received.h"

#include <string>

#include "codec/json_slice.h"

namespace salus::fhir {

namespace {

std::string_view MemberText(std::string_view object, std::string_view name) {
  for (const codec::JsonMemberSlice& member : codec::JsonMembers(object)) {
    if (member.name == name) return member.value;
  }
  return {};
}

Result<std::vector<ReceivedEvent>> ReadBundle(std::string_view body,
                                              const codec::JsonObject& bundle) {
  std::vector<ReceivedEvent> out;
  TRY(const codec::JsonArray* entries, codec::OptionalArrayAt(bundle, "entry"));
  if (entries == nullptr) return out;
  const std::vector<std::string_view> texts = codec::JsonElements(MemberText(body, "entry"));
  if (texts.size() != entries->size()) return Internal("a Bundle's entries do not come apart");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    Result<std::optional<AuditEvent>> parsed = ParseBundleEntry((*entries)[i]);
    if (!parsed) {
      out.push_back({i + 1, MemberText(texts[i], "resource"),
                     codec::Within("entry", i, std::move(parsed).error())});
    } else if (parsed->has_value()) {
      out.push_back({i + 1, MemberText(texts[i], "resource"), **std::move(parsed)});
    }
  }
  return out;
}

// The array without the entities that name another patient.
std::string EntitiesOf(std::string_view array, const AuditEvent& event, std::size_t patient) {
  std::string out;
  const std::vector<std::string_view> elements = codec::JsonElements(array);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const std::optional<std::size_t> named = PatientOfEntity(event, i);
    if (named && *named != patient) continue;
    out += out.empty() ? "[" : ",";
    out += elements[i];
  }
  return out.empty() ? out : out + "]";
}

}  // namespace

Result<std::vector<ReceivedEvent>> ReadAuditEvents(std::string_view body) {
  TRY(const codec::Json json, codec::ParseJson(body));
  if (!json.is_object()) return InvalidArgument("resource: must be a JSON object");
  TRY(const std::string_view type, codec::StringAt(json.get_object(), "resourceType"));
  if (type == "Bundle") return ReadBundle(body, json.get_object());
  const std::size_t begin = std::min(body.find('{'), body.size());
  std::vector<ReceivedEvent> out;
  out.push_back({1, body.substr(begin, body.rfind('}') + 1 - begin), ParseAuditEvent(json)});
  return out;
}

std::string OneForPatient(std::string_view text, const AuditEvent& event, std::size_t patient) {
  std::string out;
  for (const codec::JsonMemberSlice& member : codec::JsonMembers(text)) {
    if (member.name == "text" || member.name == "contained") continue;
    std::string value(member.value);
    if (member.name == "entity") value = EntitiesOf(value, event, patient);
    if (value.empty()) continue;
    out += out.empty() ? "{" : ",";
    codec::AppendJsonString(member.name, out);
    out += ":";
    out += value;
  }
  return out + "}";
}

}  // namespace salus::fhir
