#include "synthea_trace.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "audit/fhir_event.h"
#include "codec/rfc3339.h"

namespace salus::integration {

namespace {

using codec::Json;
using codec::JsonObject;
using std::chrono::hours;
using std::chrono::minutes;

constexpr std::string_view kMrnSystem = "http://hospital.smarthealthit.org";
constexpr std::size_t kDeletedObservation = 41;
// The first morning that the log knows.
const Timestamp kFirstMorning = FromUnixMillis(8 * 3'600'000);

// What one member of a path leads to: "participant/0/individual/reference"; null where it ends.
const Json* At(const Json& value, std::string_view path) {
  const Json* at = &value;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view step = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (at->is_object()) {
      at = at->get_object().if_contains(step);
    } else if (at->is_array() && step == "0" && !at->get_array().empty()) {
      at = &at->get_array().front();
    } else {
      at = nullptr;
    }
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::string TextAt(const Json& value, std::string_view path) {
  const Json* text = At(value, path);
  return text != nullptr && text->is_string() ? std::string(text->get_string()) : std::string();
}

std::optional<Timestamp> TimeAt(const Json& value, std::string_view path) {
  const auto time = codec::ParseRfc3339(TextAt(value, path));
  if (!time) return std::nullopt;
  return std::max(*time, kFirstMorning);
}

// A member is left out where it would be empty.
void Put(JsonObject& event, const char* name, const std::string& text) {
  if (!text.empty()) event[name] = text;
}

struct Encounter {
  std::string url;
  Timestamp start;
  Timestamp end;
  bool is_emergency = false;
  std::string user;
  std::string user_name;
  std::string organization;
};

// One patient's file on its way to a trace.
class Tracer {
 public:
  static Result<TracedPatient> Trace(const Json& bundle);

 private:
  Result<void> ReadPeople(const codec::JsonArray& entries);
  void ReadEncounters(const codec::JsonArray& entries);
  const Encounter* EncounterOf(const Json& resource) const;
  void TraceVisit(const Encounter& encounter);
  void TraceResource(const Json& resource);
  void TraceClinical(const Json& resource, const std::string& type, const Encounter& encounter);
  void TraceOffice(const Json& resource, const std::string& type, const Encounter& encounter);
  JsonObject& Add(Timestamp time, const char* action, const std::string& record);
  void AddBy(const Encounter& encounter, Timestamp time, const char* action,
             const std::string& record, const std::string& category = {});

  TracedPatient patient_;
  std::string patient_record_;
  std::map<std::string, std::pair<std::string, std::string>> practitioners_;  // user and name
  std::map<std::string, std::string> organizations_;
  std::vector<Encounter> encounters_;
  std::map<std::string, std::string> newest_report_;  // by encounter: of those before it
  std::vector<std::pair<Timestamp, JsonObject>> events_;
  std::size_t observations_ = 0;
};

Result<void> Tracer::ReadPeople(const codec::JsonArray& entries) {
  for (const Json& entry : entries) {
    const std::string url = TextAt(entry, "fullUrl");
    const Json* resource = At(entry, "resource");
    if (resource == nullptr) return InvalidArgument("entry: has no resource");
    const std::string type = TextAt(*resource, "resourceType");
    if (type == "Practitioner") {
      practitioners_[url] = {
          "npi-" + TextAt(*resource, "identifier/0/value"),
          TextAt(*resource, "name/0/given/0") + " " + TextAt(*resource, "name/0/family")};
    } else if (type == "Organization") {
      organizations_[url] = TextAt(*resource, "name");
    } else if (type == "Patient") {
      patient_record_ = "Patient/" + TextAt(*resource, "id");
      for (const Json& identifier : resource->at("identifier").as_array()) {
        if (TextAt(identifier, "system") != kMrnSystem) continue;
        TRY(patient_.subject, audit::Subject::Create(audit::SubjectKind::kPatient, kMrnSystem,
                                                     TextAt(identifier, "value")));
      }
    }
  }
  if (patient_.subject.id.empty()) return InvalidArgument("Patient: has no medical record number");
  return {};
}

void Tracer::ReadEncounters(const codec::JsonArray& entries) {
  for (const Json& entry : entries) {
    const Json& resource = entry.at("resource");
    if (TextAt(resource, "resourceType") != "Encounter") continue;
    Encounter encounter;
    encounter.url = TextAt(entry, "fullUrl");
    encounter.start = TimeAt(resource, "period/start").value_or(kFirstMorning);
    encounter.end = TimeAt(resource, "period/end").value_or(encounter.start);
    encounter.is_emergency = TextAt(resource, "class/code") == "EMER";
    std::tie(encounter.user, encounter.user_name) =
        practitioners_[TextAt(resource, "participant/0/individual/reference")];
    encounter.organization = organizations_[TextAt(resource, "serviceProvider/reference")];
    encounters_.push_back(std::move(encounter));
  }
  std::stable_sort(encounters_.begin(), encounters_.end(),
                   [](const Encounter& a, const Encounter& b) { return a.start < b.start; });
}

// By reference; an allergy refers to none, and belongs to the last encounter before it.
const Encounter* Tracer::EncounterOf(const Json& resource) const {
  std::string url = TextAt(resource, "encounter/reference");
  if (url.empty()) url = TextAt(resource, "item/0/encounter/0/reference");
  const Encounter* last = nullptr;
  const auto recorded = TimeAt(resource, "recordedDate");
  for (const Encounter& encounter : encounters_) {
    if (!url.empty() && encounter.url == url) return &encounter;
    if (url.empty() && recorded && encounter.start <= *recorded) last = &encounter;
  }
  return last;
}

JsonObject& Tracer::Add(Timestamp time, const char* action, const std::string& record) {
  JsonObject event;
  const std::string place = std::to_string(events_.size());
  // Some systems number their events, others give them UUIDs.
  event["id"] = events_.size() % 2 == 0 ? audit::FhirEventId(patient_.subject.id, place).ToString()
                                        : patient_.subject.id + "/" + place;
  event["time"] = codec::FormatRfc3339(time);
  event["patient"] = patient_.subject.id;
  event["system"] = patient_.subject.system;
  event["action"] = action;
  event["record"] = record;
  event["outcome"] = 0;
  events_.emplace_back(time, std::move(event));
  return events_.back().second;
}

void Tracer::AddBy(const Encounter& encounter, Timestamp time, const char* action,
                   const std::string& record, const std::string& category) {
  JsonObject& event = Add(time, action, record);
  // Some encounters name nobody.
  event["user"] = encounter.user.empty() ? "locum" : encounter.user;
  Put(event, "user_name", encounter.user_name);
  event["role"] = "physician";
  Put(event, "organization", encounter.organization);
  event["purpose"] = encounter.is_emergency ? "BTG" : "TREAT";
  Put(event, "category", category);
}

void Tracer::TraceVisit(const Encounter& encounter) {
  JsonObject& arrival = Add(encounter.start, "read", patient_record_);
  arrival["user"] = "reception";
  arrival["role"] = "receptionist";
  Put(arrival, "organization", encounter.organization);
  arrival["purpose"] = encounter.is_emergency ? "BTG" : "HOPERAT";
  AddBy(encounter, encounter.start + minutes(1), "query", patient_record_, "Condition");
  events_.back().second["detail"] = "GET /fhir/Condition?subject=" + patient_record_;
  const auto report = newest_report_.find(encounter.url);
  if (report != newest_report_.end()) {
    AddBy(encounter, encounter.start + minutes(2), "read", report->second, "DiagnosticReport");
  }
}

void Tracer::TraceClinical(const Json& resource, const std::string& type,
                           const Encounter& encounter) {
  const std::string record = type + "/" + TextAt(resource, "id");
  const Timestamp written = encounter.start + minutes(5);
  AddBy(encounter, written, "create", record, type);
  if (type == "MedicationRequest" || type == "CarePlan") {
    AddBy(encounter, encounter.end, "print", record, type);
  } else if (type == "DiagnosticReport") {
    AddBy(encounter, encounter.end + hours(1), "copy", record, type);
    for (const Encounter& later : encounters_) {
      if (later.start > encounter.start) newest_report_[later.url] = record;
    }
  } else if (type == "Observation" && ++observations_ % kDeletedObservation == 0) {
    AddBy(encounter, written + minutes(3), "delete", record, type);
  }
  if (const auto ended = TimeAt(resource, "abatementDateTime")) {
    AddBy(encounter, *ended, "change", record, type);
  }
}

void Tracer::TraceOffice(const Json& resource, const std::string& type,
                         const Encounter& encounter) {
  const bool is_claim = type == "Claim";
  JsonObject& event =
      Add(encounter.end + hours(is_claim ? 20 : 34), "create", type + "/" + TextAt(resource, "id"));
  event["user"] = is_claim ? "billing-office" : "night-batch";
  event["role"] = is_claim ? "clerk" : "job";
  Put(event, "organization", encounter.organization);
  event["purpose"] = "HPAYMT";
  event["category"] = type;
}

void Tracer::TraceResource(const Json& resource) {
  const std::string type = TextAt(resource, "resourceType");
  const Encounter* encounter = EncounterOf(resource);
  if (encounter == nullptr) return;  // people, organizations, the encounters themselves
  if (type == "Claim" || type == "ExplanationOfBenefit") {
    TraceOffice(resource, type, *encounter);
  } else {
    TraceClinical(resource, type, *encounter);
  }
}

Result<TracedPatient> Tracer::Trace(const Json& bundle) {
  const Json* entries = At(bundle, "entry");
  if (entries == nullptr || !entries->is_array()) return InvalidArgument("entry: is missing");
  Tracer tracer;
  TRY_VOID(tracer.ReadPeople(entries->get_array()));
  tracer.ReadEncounters(entries->get_array());
  for (const Json& entry : entries->get_array()) tracer.TraceResource(entry.at("resource"));
  for (const Encounter& encounter : tracer.encounters_) tracer.TraceVisit(encounter);
  std::stable_sort(tracer.events_.begin(), tracer.events_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [time, event] : tracer.events_) tracer.patient_.events.push_back(std::move(event));
  return std::move(tracer.patient_);
}

}  // namespace

Result<std::vector<TracedPatient>> SyntheaTrace(const std::string& folder) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(folder)) return NotFound(folder + " is not there");
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    // hospitalInformation and practitionerInformation are about no patient.
    const bool is_patient =
        entry.path().extension() == ".json" &&
        entry.path().filename().string().find("Information") == std::string::npos;
    if (is_patient) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<TracedPatient> out;
  for (const fs::path& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    Result<Json> bundle = codec::ParseJson(text);
    if (!bundle) return std::move(bundle.error()).WithContext(file.filename().string());
    Result<TracedPatient> patient = Tracer::Trace(*bundle);
    if (!patient) return std::move(patient.error()).WithContext(file.filename().string());
    out.push_back(*std::move(patient));
  }
  return out;
}

}  // namespace salus::integration
