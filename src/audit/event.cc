#include "audit/event.h"

#include <array>
#include <charconv>
#include <chrono>

#include "audit/padding.h"
#include "base/check.h"
#include "base/id.h"
#include "codec/cbor.h"
#include "codec/rfc3339.h"

namespace salus::audit {

namespace {

// Labels of the plaintext's map, in the order they are written. docs/formats/event.md.
enum Label : std::uint64_t {
  kId = 1,
  kTime = 2,
  kPatient = 3,
  kUser = 4,
  kAction = 5,
  kRecord = 6,
  kPurpose = 7,
  kOutcome = 8,
  kRole = 9,
  kUserName = 10,
  kOrganization = 11,
  kCategory = 12,
  kPlace = 13,
  kDetail = 14,
  kOriginal = 15,
  kSeq = 16,
  kSource = 17,
  kSystem = 18,
};

struct TextMember {
  std::string_view name;
  Label label;
  std::string_view Event::* field;
  std::size_t max_bytes;
};

// The members that are plain text, in the order of their labels.
constexpr std::array<TextMember, 13> kTextMembers = {{
    {"patient", kPatient, &Event::patient, kMaxIdBytes},
    {"user", kUser, &Event::user, kMaxIdBytes},
    {"record", kRecord, &Event::record, 256},
    {"purpose", kPurpose, &Event::purpose, 32},
    {"role", kRole, &Event::role, 256},
    {"user_name", kUserName, &Event::user_name, 256},
    {"organization", kOrganization, &Event::organization, 256},
    {"category", kCategory, &Event::category, 256},
    {"place", kPlace, &Event::place, 256},
    {"detail", kDetail, &Event::detail, kMaxDetailBytes},
    {"original", kOriginal, &Event::original, kMaxOriginalBytes},
    {"source", kSource, &Event::source, kMaxIdBytes},
    {"system", kSystem, &Event::system, kMaxIdBytes},
}};
constexpr std::size_t kTextMemberCount = kTextMembers.size();

constexpr std::array<std::string_view, 9> kActionNames = {
    "", "create", "read", "delete", "change", "query", "print", "copy", "execute"};

const TextMember* FindTextMember(std::string_view name) {
  for (std::size_t i = 0; i < kTextMemberCount; ++i) {
    if (kTextMembers[i].name == name) return &kTextMembers[i];
  }
  return nullptr;
}

Error Bad(std::string_view member, std::string_view reason) {
  std::string message(member);
  message += ": ";
  message += reason;
  return InvalidArgument(std::move(message));
}

std::uint8_t Bit(int i) { return static_cast<std::uint8_t>(1u << i); }

// The members that every event has.
enum RequiredBit { kHasId, kHasTime, kHasAction };

Result<std::uint64_t> ReadNumber(const codec::FlatMember& member) {
  std::uint64_t value = 0;
  const char* end = member.text.data() + member.text.size();
  const auto [stop, error] = std::from_chars(member.text.data(), end, value);
  if (member.kind != codec::FlatKind::kNumber || error != std::errc() || stop != end) {
    return Bad(member.name, "must be a whole number that is not negative");
  }
  return value;
}

Result<std::uint8_t> ReadOutcome(const codec::FlatMember& member) {
  TRY(const std::uint64_t value, ReadNumber(member));
  if (value != 0 && value != 4 && value != 8 && value != 12) {
    return Bad("outcome", "must be 0, 4, 8 or 12 (FHIR audit-event-outcome)");
  }
  return static_cast<std::uint8_t>(value);
}

Result<void> ReadMember(const codec::FlatMember& member, Event& event, std::uint8_t& seen) {
  if (member.kind == codec::FlatKind::kNull) return {};
  if (member.name == "outcome") {
    TRY(event.outcome, ReadOutcome(member));
    return {};
  }
  if (member.name == "seq") {
    TRY(event.seq, ReadNumber(member));
    return {};
  }
  const TextMember* text = FindTextMember(member.name);
  const bool is_known =
      text != nullptr || member.name == "id" || member.name == "time" || member.name == "action";
  if (!is_known) {
    return InvalidArgument("unknown member whose value begins at byte " +
                           std::to_string(member.offset) +
                           ": the members are listed in docs/formats/event.md");
  }
  if (member.kind != codec::FlatKind::kString) return Bad(member.name, "must be a string");
  if (text != nullptr) {
    if (text->label == kSource) {
      return Bad("source", "is set from the certificate: leave it out");
    }
    if (member.text.empty()) return Bad(member.name, "is empty: leave it out instead");
    event.*(text->field) = member.text;
    return {};
  }
  if (member.name == "id") {
    seen |= Bit(kHasId);
    Result<EventId> id = EventId::Parse(member.text);
    if (!id) return std::move(id.error()).WithContext("id");
    event.id = *id;
  } else if (member.name == "time") {
    seen |= Bit(kHasTime);
    Result<Timestamp> time = codec::ParseRfc3339(member.text);
    if (!time) return std::move(time.error()).WithContext("time");
    event.time = *time;
  } else {
    seen |= Bit(kHasAction);
    TRY(event.action, ParseAction(member.text));
    if (event.action == Action::kExecute) {
      return Bad("action", "execute is for FHIR only: say which of the others it was");
    }
  }
  return {};
}

void WriteText(codec::CborWriter& writer, Label label, std::string_view text) {
  if (text.empty()) return;
  writer.Uint(label);
  writer.Text(text);
}

Error NotAnEvent() { return VerificationFailed("the entry opens, but holds no valid event"); }

Result<void> DecodeField(codec::CborReader& reader, std::uint64_t label, Event& event,
                         std::uint8_t& seen) {
  switch (label) {
    case kId: {
      seen |= Bit(kHasId);
      TRY(const codec::CborType type, reader.PeekType());
      if (type == codec::CborType::kByteString) {
        TRY(const ByteSpan bytes, reader.ByteString());
        if (bytes.size() != codec::Uuid::kSize) return NotAnEvent();
        event.id.uuid = codec::Uuid::FromBytes(bytes.first<codec::Uuid::kSize>());
        return {};
      }
      TRY(event.id.text, reader.Text());
      // A UUID has one form: else one id could stand twice.
      const auto id = EventId::Parse(event.id.text);
      return id && !id->uuid ? Result<void>() : NotAnEvent();
    }
    case kTime: {
      seen |= Bit(kHasTime);
      TRY(const std::int64_t ms, reader.Int());
      event.time = FromUnixMillis(ms);
      return {};
    }
    case kAction: {
      seen |= Bit(kHasAction);
      TRY(const std::uint64_t value, reader.Uint());
      if (value < 1 || value >= kActionNames.size()) return NotAnEvent();
      event.action = static_cast<Action>(value);
      return {};
    }
    case kOutcome: {
      TRY(const std::uint64_t value, reader.Uint());
      if (value != 0 && value != 4 && value != 8 && value != 12) return NotAnEvent();
      event.outcome = static_cast<std::uint8_t>(value);
      return {};
    }
    case kSeq: {
      TRY(event.seq, reader.Uint());
      return {};
    }
    default:
      break;
  }
  for (std::size_t i = 0; i < kTextMemberCount; ++i) {
    if (kTextMembers[i].label != label) continue;
    TRY(event.*(kTextMembers[i].field), reader.Text());
    return {};
  }
  return NotAnEvent();
}

Result<Event> DecodeMap(ByteSpan plaintext) {
  codec::CborReader reader(plaintext);
  TRY(const std::size_t pairs, reader.Map());
  Event event;
  std::uint8_t seen = 0;
  for (std::size_t i = 0; i < pairs; ++i) {
    TRY(const std::uint64_t label, reader.Uint());
    if (label == kPaddingLabel) {
      TRY_VOID(ReadPadding(reader));
      if (i + 1 != pairs) return NotAnEvent();
    } else {
      TRY_VOID(DecodeField(reader, label, event, seen));
    }
  }
  TRY_VOID(reader.Finish());
  if (seen != (Bit(kHasId) | Bit(kHasTime) | Bit(kHasAction))) return NotAnEvent();
  if (event.user.empty() || (event.patient.empty() && !event.system.empty())) return NotAnEvent();
  return event;
}

}  // namespace

std::string_view ActionName(Action action) {
  return kActionNames[static_cast<std::size_t>(action)];
}

Result<Action> ParseAction(std::string_view text) {
  for (std::size_t i = 1; i < kActionNames.size(); ++i) {
    if (kActionNames[i] == text) return static_cast<Action>(i);
  }
  return InvalidArgument("action: must be one of create, read, delete, change, query, print, copy");
}

Result<EventId> EventId::Parse(std::string_view text) {
  if (text.size() == codec::Uuid::kTextSize) {
    if (const Result<codec::Uuid> uuid = codec::Uuid::Parse(text)) {
      // Upper-case hexadecimal stays text: what comes back must be what was sent.
      std::array<char, codec::Uuid::kTextSize> again;
      uuid->WriteTo(again);
      if (text == std::string_view(again.data(), again.size())) {
        return EventId{.uuid = *uuid, .text = {}};
      }
    }
  }
  TRY_VOID(ValidateIdText(text));
  return EventId{.uuid = std::nullopt, .text = text};
}

Subject SubjectOf(const Event& event) {
  if (event.patient.empty()) return Subject::System();
  return {SubjectKind::kPatient, std::string(event.system), std::string(event.patient)};
}

Result<void> CheckEvent(const Event& event, Timestamp now) {
  for (std::size_t i = 0; i < kTextMemberCount; ++i) {
    const TextMember& member = kTextMembers[i];
    if ((event.*(member.field)).size() > member.max_bytes) {
      return Bad(member.name, "has more than " + std::to_string(member.max_bytes) + " bytes");
    }
  }
  if (event.user.empty()) return Bad("user", "is missing");
  if (event.patient.empty() && !event.system.empty()) return Bad("patient", "is missing");
  for (const auto& [name, text] :
       {std::pair("patient", event.patient), {"user", event.user}, {"system", event.system}}) {
    if (text.empty()) continue;
    if (Result<void> ok = ValidateIdText(text); !ok) {
      return std::move(ok.error()).WithContext(name);
    }
  }
  if (event.time < FromUnixMillis(0)) return Bad("time", "is before 1970");
  if (event.time > now + std::chrono::minutes(5)) {
    return Bad("time", "is more than 5 minutes ahead: check the source's clock");
  }
  return {};
}

Result<Event> ReadEventMembers(codec::FlatJsonParser::Members members, Timestamp now) {
  Event event;
  std::uint8_t seen = 0;
  for (const codec::FlatMember& member : members) TRY_VOID(ReadMember(member, event, seen));
  if (!(seen & Bit(kHasId))) return Bad("id", "is missing");
  if (!(seen & Bit(kHasTime))) return Bad("time", "is missing");
  if (!(seen & Bit(kHasAction))) return Bad("action", "is missing");
  if (event.patient.empty()) return Bad("patient", "is missing");
  TRY_VOID(CheckEvent(event, now));
  return event;
}

EncodedEvent EncodeEvent(const Event& event, Bytes& out) {
  const std::size_t start = out.size();
  std::size_t pairs = 4 + (event.outcome ? 1 : 0) + (event.seq ? 1 : 0);
  for (std::size_t i = 0; i < kTextMemberCount; ++i) {
    if (!(event.*(kTextMembers[i].field)).empty()) ++pairs;
  }
  codec::CborWriter writer(out);
  writer.Map(pairs);
  writer.Uint(kId);
  if (event.id.uuid) {
    writer.ByteString(event.id.uuid->bytes());
  } else {
    writer.Text(event.id.text);
  }
  writer.Uint(kTime);
  writer.Int(ToUnixMillis(event.time));
  WriteText(writer, kPatient, event.patient);
  WriteText(writer, kUser, event.user);
  writer.Uint(kAction);
  writer.Uint(static_cast<std::uint64_t>(event.action));
  WriteText(writer, kRecord, event.record);
  WriteText(writer, kPurpose, event.purpose);
  if (event.outcome) {
    writer.Uint(kOutcome);
    writer.Uint(*event.outcome);
  }
  WriteText(writer, kRole, event.role);
  WriteText(writer, kUserName, event.user_name);
  WriteText(writer, kOrganization, event.organization);
  WriteText(writer, kCategory, event.category);
  WriteText(writer, kPlace, event.place);
  WriteText(writer, kDetail, event.detail);
  WriteText(writer, kOriginal, event.original);
  if (event.seq) {
    writer.Uint(kSeq);
    writer.Uint(*event.seq);
  }
  WriteText(writer, kSource, event.source);
  WriteText(writer, kSystem, event.system);
  const std::size_t content_size = out.size() - start;
  WritePadding(writer, content_size);
  CHECK((out.size() - start) % kPaddingBlock == 0);
  return {content_size};
}

Result<Event> DecodeEvent(ByteSpan plaintext) {
  if (plaintext.size() % kPaddingBlock != 0) return NotAnEvent();
  Result<Event> event = DecodeMap(plaintext);
  if (!event) return NotAnEvent();
  // One event has one encoding: empty members and longer padding are refused here.
  Bytes again;
  EncodeEvent(*event, again);
  if (!Equal(again, plaintext)) return NotAnEvent();
  return event;
}

codec::JsonObject EventToJson(const Event& event) {
  codec::JsonObject json;
  json["id"] = event.id.ToString();
  json["time"] = codec::FormatRfc3339(event.time);
  const auto put = [&json](std::string_view name, std::string_view text) {
    if (!text.empty()) json[name] = text;
  };
  put("patient", event.patient);
  put("system", event.system);
  put("user", event.user);
  json["action"] = ActionName(event.action);
  put("record", event.record);
  put("purpose", event.purpose);
  if (event.outcome) json["outcome"] = *event.outcome;
  put("role", event.role);
  put("user_name", event.user_name);
  put("organization", event.organization);
  put("category", event.category);
  put("place", event.place);
  put("detail", event.detail);
  put("original", event.original);
  if (event.seq) json["seq"] = *event.seq;
  put("source", event.source);
  return json;
}

}  // namespace salus::audit
