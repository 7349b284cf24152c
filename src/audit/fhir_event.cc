#include "audit/fhir_event.h"

#include <algorithm>
#include <utility>

#include "base/id.h"
#include "base/utf8.h"
#include "codec/flat_json.h"
#include "crypto/sha1.h"
#include "fhir/access.h"
#include "fhir/balp.h"

namespace salus::audit {

namespace {

// The namespace of the ids, made once at random: 1f1bea17-b173-425a-8372-0fa1511ebb42.
constexpr std::array<std::uint8_t, 16> kNamespace = {
    0x1f, 0x1b, 0xea, 0x17, 0xb1, 0x73, 0x42, 0x5a, 0x83, 0x72, 0x0f, 0xa1, 0x51, 0x1e, 0xbb, 0x42};

codec::Uuid IdOf(std::string_view source, char separator, ByteSpan rest) {
  Bytes name(kNamespace.begin(), kNamespace.end());
  Append(name, AsBytes(source));
  name.push_back(static_cast<std::uint8_t>(separator));
  Append(name, rest);
  const std::array<std::uint8_t, 20> hash = crypto::Sha1(name);
  return codec::Uuid::FromHash(std::span(hash).first<16>(), 5);
}

Result<EventId> IdOfResource(std::string_view source, const fhir::ReceivedEvent& received) {
  if (!received.event->id.empty()) {
    return EventId{.uuid = FhirEventId(source, received.event->id), .text = {}};
  }
  TRY(const codec::Json json, codec::ParseJson(received.text));
  Result<std::string> canonical = codec::CanonicalJson(json);
  if (!canonical) return std::move(canonical.error()).WithContext("id: is missing, and");
  const crypto::Hash32 content = crypto::Sha256(AsBytes(*canonical));
  return EventId{.uuid = FhirEventIdOfContent(source, content), .text = {}};
}

// At most so many bytes of text, whole characters. The resource itself keeps the rest.
std::string_view Cut(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

// A user's name in a log line has no line feeds. FHIR's may.
std::string WithoutControls(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return text;
}

Action ActionFrom(std::optional<fhir::Action> action) {
  if (!action) return Action::kExecute;
  switch (*action) {
    case fhir::Action::kCreate:
      return Action::kCreate;
    case fhir::Action::kRead:
      return Action::kRead;
    case fhir::Action::kDelete:
      return Action::kDelete;
    case fhir::Action::kChange:
      return Action::kChange;
    case fhir::Action::kQuery:
      return Action::kQuery;
    case fhir::Action::kPrint:
      return Action::kPrint;
    case fhir::Action::kCopy:
      return Action::kCopy;
  }
  return Action::kExecute;
}

fhir::Action ActionTo(Action action) {
  switch (action) {
    case Action::kCreate:
      return fhir::Action::kCreate;
    case Action::kDelete:
      return fhir::Action::kDelete;
    case Action::kChange:
      return fhir::Action::kChange;
    case Action::kQuery:
      return fhir::Action::kQuery;
    case Action::kPrint:
      return fhir::Action::kPrint;
    case Action::kCopy:
      return fhir::Action::kCopy;
    case Action::kRead:
    case Action::kExecute:
      break;
  }
  return fhir::Action::kRead;
}

// What an access has no member for, but a reader wants to see.
std::string DetailOf(const fhir::AuditEvent& event, const fhir::Access& access) {
  if (!access.detail.empty()) return access.detail;
  if (!event.outcome_desc.empty()) return event.outcome_desc;
  const std::string query(AsText(access.query));
  return IsValidUtf8(query) ? query : std::string();
}

std::string UserOf(const fhir::Access& access) {
  for (const std::string* name :
       {&access.user, &access.user_name, &access.client, &access.source}) {
    if (!name->empty()) return WithoutControls(*name);
  }
  return "unknown";
}

bool IsAuditEvent(std::string_view original) {
  if (original.empty() || original.front() != '{') return false;
  const Result<codec::Json> json = codec::ParseJson(original);
  if (!json || !json->is_object()) return false;
  const auto type = codec::StringAt(json->get_object(), "resourceType");
  return type && *type == "AuditEvent";
}

fhir::Access AccessFrom(const Event& event) {
  fhir::Access access;
  access.id = event.id.ToString();
  access.time = event.time;
  access.action = ActionTo(event.action);
  access.outcome = static_cast<fhir::AuditOutcome>(event.outcome.value_or(0));
  access.patient = {std::string(event.system), std::string(event.patient)};
  access.user = event.user;
  access.user_name = event.user_name;
  access.role = event.role;
  access.organization = event.organization;
  access.purpose = event.purpose;
  access.place = event.place;
  access.record = event.record;
  access.category = event.category;
  access.detail = event.detail;
  access.source = event.source;
  return access;
}

}  // namespace

// What the views of one event point into.
struct FhirEvents::Text {
  fhir::Access access;
  std::string user;
  std::string detail;
  std::string original;

  Event View() const {
    Event event;
    event.time = access.time;
    event.patient = access.patient.value;
    event.system = access.patient.system;
    event.user = Cut(user, kMaxIdBytes);
    event.record = Cut(access.record, 256);
    event.purpose = Cut(access.purpose, 32);
    event.role = Cut(access.role, 256);
    event.user_name = Cut(access.user_name, 256);
    event.organization = Cut(access.organization, 256);
    event.category = Cut(access.category, 256);
    event.place = Cut(access.place, 256);
    event.detail = Cut(detail, kMaxDetailBytes);
    event.original = original;
    return event;
  }
};

FhirEvents::FhirEvents() = default;
FhirEvents::~FhirEvents() = default;
FhirEvents::FhirEvents(FhirEvents&&) noexcept = default;
FhirEvents& FhirEvents::operator=(FhirEvents&&) noexcept = default;

codec::Uuid FhirEventId(std::string_view source, std::string_view resource_id) {
  return IdOf(source, '\0', AsBytes(resource_id));
}

codec::Uuid FhirEventIdOfContent(std::string_view source, const crypto::Hash32& content) {
  return IdOf(source, '\1', content);
}

Result<void> FhirEvents::AddPatients(std::size_t line, const fhir::ReceivedEvent& received,
                                     std::string_view source) {
  if (!received.event) return received.event.error();
  if (received.text.size() > kMaxOriginalBytes) {
    return InvalidArgument("original: the resource has " + std::to_string(received.text.size()) +
                           " bytes, and at most " + std::to_string(kMaxOriginalBytes) +
                           " are kept: leave out narrative and contained resources");
  }
  const fhir::AuditEvent& event = *received.event;
  TRY(const EventId id, IdOfResource(source, received));
  const auto add = [&](fhir::Identifier patient, std::string original) {
    auto text = std::make_unique<Text>();
    text->access = fhir::AccessOf(event);
    text->access.patient = std::move(patient);
    text->user = UserOf(text->access);
    text->detail = DetailOf(event, text->access);
    text->original = std::move(original);
    Event offered = text->View();
    offered.id = id;
    offered.action = ActionFrom(fhir::ActionOf(event));
    if (event.outcome) offered.outcome = static_cast<std::uint8_t>(*event.outcome);
    offered_.push_back({line, offered});
    texts_.push_back(std::move(text));
  };
  const std::vector<std::size_t> patients = fhir::SubjectsOf(event);
  if (patients.empty()) add({}, std::string(received.text));
  for (const std::size_t patient : patients) {
    add(event.patients[patient].id, patients.size() == 1
                                        ? std::string(received.text)
                                        : fhir::OneForPatient(received.text, event, patient));
  }
  return {};
}

Result<void> FhirEvents::Add(std::string_view body, std::string_view source, std::size_t line) {
  TRY(const std::vector<fhir::ReceivedEvent> received, fhir::ReadAuditEvents(body));
  const bool is_alone = received.size() == 1 && received[0].number == 1;
  for (const fhir::ReceivedEvent& one : received) {
    const std::size_t place = is_alone ? line : one.number;
    if (Result<void> ok = AddPatients(place, one, source); !ok) {
      offered_.push_back({place, std::move(ok.error())});
    }
  }
  return {};
}

void FhirEvents::AddLines(std::string_view lines, std::string_view source) {
  for (std::size_t line = 1; !lines.empty(); ++line) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view text = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (text.size() > codec::FlatJsonParser::kMaxLineBytes) {
      offered_.push_back({line, InvalidArgument("the line has more than 65536 bytes")});
      continue;
    }
    const Result<std::vector<fhir::ReceivedEvent>> received = fhir::ReadAuditEvents(text);
    if (!received) {
      offered_.push_back({line, received.error()});
      continue;
    }
    for (const fhir::ReceivedEvent& one : *received) {
      if (Result<void> ok = AddPatients(line, one, source); !ok) {
        offered_.push_back({line, std::move(ok.error())});
      }
    }
  }
}

std::string EventToFhir(const Event& event) {
  if (IsAuditEvent(event.original)) return std::string(event.original);
  fhir::AuditEvent resource = fhir::BalpEvent(AccessFrom(event));
  if (event.patient.empty()) {
    // No BALP patient profile is about nobody.
    resource.profile.clear();
    resource.entity.erase(resource.entity.begin());
  }
  if (event.action == Action::kExecute) {
    resource.profile.clear();
    resource.subtype.clear();
    resource.action = fhir::AuditActionCode::kExecute;
  }
  return codec::WriteJson(fhir::WriteAuditEvent(resource));
}

std::string FhirBundle(std::span<const std::string> resources) {
  std::string out = R"({"resourceType":"Bundle","type":"collection")";
  for (std::size_t i = 0; i < resources.size(); ++i) {
    out += i == 0 ? R"(,"entry":[{"resource":)" : R"(,{"resource":)";
    out += resources[i];
    out += "}";
  }
  return out + (resources.empty() ? "}" : "]}");
}

}  // namespace salus::audit
