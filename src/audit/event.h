// Event is one access to a record, as a source reports it and as the patient reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audit/subject.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "codec/flat_json.h"
#include "codec/json.h"
#include "codec/uuid.h"

namespace salus::audit {

// Action is what was done: the specification's six, a plain read, and what is none of them, as a
// login or a consent decision, which only FHIR reports. The values are stored.
enum class Action : std::uint8_t {
  kCreate = 1,
  kRead = 2,
  kDelete = 3,
  kChange = 4,
  kQuery = 5,
  kPrint = 6,
  kCopy = 7,
  kExecute = 8,
};

std::string_view ActionName(Action action);
// Errors: InvalidArgument, with the names that there are.
Result<Action> ParseAction(std::string_view text);

// EventId is the source's own id of an event: stored as 16 bytes where it is a UUID in the usual
// lower-case text, so that the text comes back as it was sent in every case.
struct EventId {
  std::optional<codec::Uuid> uuid;
  std::string_view text;  // used only where uuid is empty

  // Errors: InvalidArgument, as Id<>::Parse.
  static Result<EventId> Parse(std::string_view text);
  std::string ToString() const { return uuid ? uuid->ToString() : std::string(text); }
};

// Event holds the members of docs/formats/event.md. Optional text is empty where it is absent.
//
// Shape:     id, user of 1 to 128 bytes, patient likewise, or empty with system where the event
// concerns
//            no patient (never so in NDJSON); system to 128; purpose to 32; record, role,
//            user_name, organization, category and place to 256; detail to 2 KiB; original to
//            32 KiB. All of it UTF-8. outcome is 0, 4, 8 or 12.
// Ownership: the text is a view of the line, or of the plaintext, that the event was read from.
struct Event {
  EventId id;
  Timestamp time;
  std::string_view patient;
  std::string_view system;
  std::string_view user;
  Action action = Action::kRead;
  std::string_view record;
  std::string_view purpose;
  std::optional<std::uint8_t> outcome;
  std::string_view role;
  std::string_view user_name;
  std::string_view organization;
  std::string_view category;
  std::string_view place;
  std::string_view detail;
  std::string_view original;
  std::optional<std::uint64_t> seq;
  std::string_view source;  // set by the server from the certificate, never by the sender
};

// SubjectOf is whose chain the event belongs to: the patient's, or the system's.
Subject SubjectOf(const Event& event);

inline constexpr std::size_t kMaxDetailBytes = 2 * 1024;
inline constexpr std::size_t kMaxOriginalBytes = 32 * 1024;

// ReadEventMembers makes an event of a line that FlatJsonParser took.
//
// Errors: InvalidArgument with the member, the reason and what to do: a member that is missing,
//         unknown, too long or of the wrong type; an unknown action, or execute; a time before 1970
//         or more than 5 minutes after now.
Result<Event> ReadEventMembers(codec::FlatJsonParser::Members members, Timestamp now);

// CheckEvent applies the same limits to an event that came in another form (FHIR, DICOM).
Result<void> CheckEvent(const Event& event, Timestamp now);

// EncodedEvent says where in the encoding the padding begins.
struct EncodedEvent {
  std::size_t content_size;  // bytes before the padding: what the event is, deterministically
};

// EncodeEvent appends the plaintext of an entry: a CBOR map with integer labels, zero padding as
// its last field up to a multiple of 256 bytes.
//
// Source: docs/formats/event.md.
EncodedEvent EncodeEvent(const Event& event, Bytes& out);

// DecodeEvent reads a plaintext, and refuses one that EncodeEvent would not have written.
//
// Errors: VerificationFailed: whoever holds the key sealed something that is no event.
Result<Event> DecodeEvent(ByteSpan plaintext);

// EventToJson is the event with the members' own names, as it can be sent again.
codec::JsonObject EventToJson(const Event& event);

}  // namespace salus::audit
