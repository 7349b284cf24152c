// Writes one BALP AuditEvent per action and variant into a folder, for judge.mjs. A file is named
// after the profile that it must validate against: PROFILE-ACTION-VARIANT.json. The variants ndjson
// are lines as a source sends them, through the plaintext of an entry.
#include <cstdio>
#include <fstream>
#include <string>

#include "audit/fhir_event.h"
#include "codec/rfc3339.h"
#include "fhir/balp.h"

namespace salus::fhir {
namespace {

Access Least(Action action) {
  Access access;
  access.time = codec::ParseRfc3339("2026-11-20T09:30:00.123Z").value();
  access.action = action;
  access.patient = {"", "MRN-1"};
  access.user = "dr.example";
  access.source = "ehr";
  return access;
}

Access Full(Action action) {
  Access access = Least(action);
  access.id = "0b6f0a1e-8c1f-4f0c-9a51-1f2e30b6f0a1";
  access.patient = {"urn:oid:1.2.3", "MRN-1"};
  access.user_name = "Dr Example";
  access.role = "physician";
  access.organization = "General Hospital";
  access.purpose = "BTG";
  access.place = "Ward 3";
  access.record = "DiagnosticReport/7";
  access.category = "laboratory";
  access.detail = "by telephone";
  if (action == Action::kQuery) access.query = ToBytes("GET /fhir/Observation?patient=1");
  access.client = "ward-pc-3";
  access.client_address = "2001:db8::3";
  access.server = "Device/ehr";
  access.server_address = "https://ehr.example.org/fhir";
  access.site = "ehr.example.org";
  return access;
}

Access ByReference(Action action) {
  Access access = Full(action);
  access.id = "any text / as id";
  access.patient = {"", "Patient/1"};
  access.user = "Practitioner/2";
  access.record = "not a reference";
  access.client_address = "10.1.2.3";
  return access;
}

bool Write(const std::string& folder, const char* variant, const Access& access) {
  const std::string path = folder + "/" + std::string(RowOf(access.action).profile) + "-" +
                           std::string(ActionName(access.action)) + "-" + variant + ".json";
  std::ofstream out(path);
  out << codec::WriteJsonPretty(WriteAuditEvent(BalpEvent(access)));
  return out.good();
}

constexpr std::string_view kLeastLine =
    R"({"id":"e-1","time":"2026-11-20T09:30:00Z","patient":"MRN-1","user":"dr.example",)";
constexpr std::string_view kFullLine =
    R"({"id":"0b6f0a1e-8c1f-4f0c-9a51-1f2e30b6f0a1","time":"2026-11-20T10:30:00.123+01:00",)"
    R"("patient":"MRN-1","system":"urn:oid:1.2.3","user":"dr.example","user_name":"Dr Example",)"
    R"("record":"DiagnosticReport/7","purpose":"BTG","outcome":0,"role":"physician",)"
    R"("organization":"General Hospital","category":"laboratory","place":"Ward 3",)"
    R"("detail":"by telephone","original":"MSH|^~\\&|HL7","seq":7,)";

// What came as NDJSON, from the line to the resource.
std::string FromLine(std::string line) {
  codec::FlatJsonParser parser;
  const auto members = parser.Parse(line).value();
  const Timestamp now = codec::ParseRfc3339("2026-11-20T10:00:00Z").value();
  audit::Event event = audit::ReadEventMembers(members, now).value();
  event.source = "ehr-1";
  Bytes plaintext;
  audit::EncodeEvent(event, plaintext);
  return audit::EventToFhir(audit::DecodeEvent(plaintext).value());
}

bool WriteLine(const std::string& folder, const char* variant, Action action,
               std::string_view members) {
  const std::string name(ActionName(action));
  std::ofstream out(folder + "/" + std::string(RowOf(action).profile) + "-" + name + "-" + variant +
                    ".json");
  out << FromLine(std::string(members) + R"("action":")" + name + R"("})");
  return out.good();
}

}  // namespace

bool WriteAll(const std::string& folder) {
  for (const Action action : {Action::kCreate, Action::kRead, Action::kDelete, Action::kChange,
                              Action::kQuery, Action::kPrint, Action::kCopy}) {
    if (!Write(folder, "least", Least(action)) || !Write(folder, "full", Full(action)) ||
        !Write(folder, "reference", ByReference(action)) ||
        !WriteLine(folder, "ndjson_least", action, kLeastLine) ||
        !WriteLine(folder, "ndjson_full", action, kFullLine)) {
      return false;
    }
  }
  return true;
}

}  // namespace salus::fhir

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_events FOLDER\n", stderr);
    return 2;
  }
  if (!salus::fhir::WriteAll(argv[1])) {
    std::fputs("write_events: cannot write\n", stderr);
    return 1;
  }
  return 0;
}
