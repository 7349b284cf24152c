#include "client/answer_check.h"

#include <charconv>
#include <chrono>
#include <utility>

#include "audit/entry.h"
#include "audit/fhir_event.h"
#include "client/secret_access.h"
#include "codec/base64.h"
#include "merkle/hash.h"

namespace salus::client {
namespace {

// The server judges the time; here any time that can be written down is read.
constexpr Timestamp kFarAhead = std::chrono::sys_days(std::chrono::year(9999) / 1 / 1);

constexpr codec::JsonLimits kLineLimits{.max_depth = 8, .max_size_bytes = 8u << 20};

Error NoSuchAnswer(std::string_view what) {
  return Unavailable("the server's answer is not what the API says: " + std::string(what));
}

Error Wrong(std::uint64_t line, std::string_view what) {
  return VerificationFailed("line " + std::to_string(line) + ": " + std::string(what));
}

// A server's error name. Its word is never VerificationFailed: that verdict is the client's own.
ErrorCode CodeOfName(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    if (CodeName(code) != name) continue;
    return code == ErrorCode::kVerificationFailed ? ErrorCode::kInvalidArgument : code;
  }
  return ErrorCode::kInvalidArgument;
}

// Such an error says nothing about the line: the server itself was not able.
bool IsServersOwn(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kInternal ||
         code == ErrorCode::kResourceExhausted || code == ErrorCode::kCorruption;
}

Error ServerFailed(ErrorCode code, std::string_view detail) {
  const bool is_full = code == ErrorCode::kResourceExhausted;
  return {is_full ? code : ErrorCode::kUnavailable, "the server says: " + std::string(detail)};
}

Result<std::uint64_t> CountAt(const codec::JsonObject& object, std::string_view name) {
  const Result<std::int64_t> value = codec::IntAt(object, name);
  if (!value || *value < 0) return NoSuchAnswer(std::string(name) + " is no count");
  return static_cast<std::uint64_t>(*value);
}

Result<std::string> TextAt(const codec::JsonObject& object, std::string_view name) {
  const Result<std::string_view> text = codec::StringAt(object, name);
  if (!text) return NoSuchAnswer(text.error().message);
  return std::string(*text);
}

Result<Bytes> BytesAt(const codec::JsonObject& object, std::string_view name) {
  TRY(const std::string text, TextAt(object, name));
  Result<Bytes> bytes = codec::Base64UrlDecode(text);
  if (!bytes) return NoSuchAnswer(std::string(name) + " is no base64url");
  return bytes;
}

template <typename D>
Result<D> DigestAt(const codec::JsonObject& object, std::string_view name) {
  TRY(const Bytes bytes, BytesAt(object, name));
  Result<D> digest = D::FromBytes(bytes);
  if (!digest) return NoSuchAnswer(std::string(name) + " is no hash");
  return digest;
}

// "lines" of a receipt: numbers, and ranges as "first-last".
Result<void> ReadRanges(const codec::JsonArray& ranges, std::uint64_t last_line,
                        std::size_t max_count, std::vector<std::uint64_t>& out) {
  for (const codec::Json& item : ranges) {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    if (item.is_string()) {
      const std::string_view text = item.get_string();
      const char* end = text.data() + text.size();
      const auto [dash, bad_first] = std::from_chars(text.data(), end, first);
      if (bad_first != std::errc() || dash == end || *dash != '-') return NoSuchAnswer("lines");
      const auto [stop, bad_last] = std::from_chars(dash + 1, end, last);
      if (bad_last != std::errc() || stop != end) return NoSuchAnswer("lines");
    } else if (item.is_int64() && item.get_int64() > 0) {
      first = last = static_cast<std::uint64_t>(item.get_int64());
    }
    if (first == 0 || last < first || last > last_line) return NoSuchAnswer("lines");
    for (std::uint64_t line = first; line <= last; ++line) {
      if (out.size() >= max_count) return NoSuchAnswer("lines");
      out.push_back(line);
    }
  }
  return {};
}

}  // namespace

// Sent is one event of the batch, and what became of it.
struct AnswerCheck::Sent {
  bool is_event = false;  // it parses as one here
  std::string id;
  audit::Subject subject;
  std::string patient;
  std::string system;
  std::size_t offset = 0;  // of the plaintext that must have been sealed
  std::size_t size = 0;
  bool has_receipt = false;
  audit::SubjectTag tag;
  CheckedLine line;
};

struct AnswerCheck::Progress {
  // Line is one line's events, which are answered in their order: FHIR may name several patients.
  struct Line {
    std::size_t first = 0;  // in sent
    std::size_t count = 0;  // 0: blank
    std::size_t answered = 0;
    std::size_t receipted = 0;
  };
  std::vector<Sent> sent;
  std::vector<Line> lines;  // line 1 is at 0
  Bytes plaintexts;
  struct Patient {
    audit::Subject subject;
    audit::SubjectTag tag;
  };
  std::unordered_map<std::uint64_t, Patient> patients;
  CheckedAnswer answer;
  std::uint64_t logged = 0;
  std::uint64_t repeats = 0;
  std::uint64_t refused = 0;
  bool is_done = false;
  const FetchEntry* fetch_entry = nullptr;
};

Result<audit::SubjectTag> KnownTags::Verify(const audit::PinnedLog& log,
                                            const audit::Subject& subject,
                                            const audit::SubjectTag& claimed, ByteSpan proof) {
  const auto differs = [] {
    return VerificationFailed(
        "the server gave a patient a tag that is not the patient's: events would be filed where "
        "the "
        "patient does not find them");
  };
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = tags_.find(subject); found != tags_.end()) {
      if (found->second != claimed) return differs();
      return claimed;
    }
  }
  const Result<crypto::VrfProof> parsed = crypto::VrfProof::FromBytes(proof);
  if (!parsed) return differs();
  const Result<audit::SubjectTag> tag = audit::VerifyTag(log.vrf_key, log.origin, subject, *parsed);
  if (!tag || *tag != claimed) return differs();
  const std::lock_guard lock(mutex_);
  if (tags_.size() >= kMaxTags) tags_.clear();
  tags_.emplace(subject, *tag);
  return claimed;
}

AnswerCheck::AnswerCheck(const audit::PinnedLog& log, std::string source, KnownTags& tags,
                         RandomSource& random, InputFormat format)
    : log_(log), source_(std::move(source)), tags_(tags), format_(format), sealer_(random) {}
AnswerCheck::~AnswerCheck() = default;

void AnswerCheck::AddSent(std::size_t number, Result<audit::Event> event, Progress& progress) {
  if (progress.lines.size() < number) progress.lines.resize(number);
  Progress::Line& line = progress.lines[number - 1];
  if (line.count++ == 0) line.first = progress.sent.size();
  Sent& sent = progress.sent.emplace_back();
  sent.line.line = number;
  if (!event) return;
  // Exactly what the server has to seal: the event, and from whom it came.
  event->source = source_;
  sent.is_event = true;
  sent.id = event->id.ToString();
  sent.subject = audit::SubjectOf(*event);
  sent.patient = event->patient;
  sent.system = event->system;
  sent.offset = progress.plaintexts.size();
  audit::EncodeEvent(*event, progress.plaintexts);
  sent.size = progress.plaintexts.size() - sent.offset;
}

void AnswerCheck::ReadBatch(std::string_view batch, Progress& progress) {
  if (format_ == InputFormat::kFhir) {
    audit::FhirEvents events;
    events.AddLines(batch, source_);
    for (const audit::OfferedEvent& offered : events.offered()) {
      AddSent(offered.line, offered.event, progress);
    }
    return;
  }
  parser_.ParseLines(batch, [&](std::size_t number, std::string_view,
                                Result<codec::FlatJsonParser::Members> members) {
    AddSent(number,
            members ? audit::ReadEventMembers(*members, kFarAhead)
                    : Result<audit::Event>(members.error()),
            progress);
  });
}

Result<CheckedAnswer> AnswerCheck::Check(std::string_view batch, std::string_view answer,
                                         const FetchEntry& fetch_entry) {
  Progress progress;
  progress.fetch_entry = &fetch_entry;
  ReadBatch(batch, progress);
  while (!answer.empty()) {
    const std::size_t end = answer.find('\n');
    if (end == answer.npos) return Unavailable("the server's answer was cut off");
    const std::string_view line = answer.substr(0, end);
    answer.remove_prefix(end + 1);
    if (line.empty()) continue;
    if (progress.is_done) return NoSuchAnswer("it goes on behind its end");
    const Result<codec::Json> json = codec::ParseJson(line, kLineLimits);
    if (!json || !json->is_object()) return NoSuchAnswer("a line is no JSON object");
    TRY_VOID(OnObject(json->get_object(), progress));
  }
  return Finish(progress);
}

Result<void> AnswerCheck::OnObject(const codec::JsonObject& object, Progress& progress) {
  if (object.contains("line")) return OnLine(object, progress);
  if (object.contains("receipt")) return OnReceipt(object, progress);
  if (object.contains("patient")) return OnPatient(object, progress);
  const Result<bool> done = codec::BoolAt(object, "done");
  if (!done) return NoSuchAnswer("a line of an unknown kind");
  if (!*done) {
    const auto name = codec::OptionalStringAt(object, "error");
    const auto detail = codec::OptionalStringAt(object, "detail");
    return ServerFailed(CodeOfName(name && *name ? **name : ""),
                        detail && *detail ? **detail : "it failed");
  }
  TRY(const std::uint64_t logged, CountAt(object, "logged"));
  TRY(const std::uint64_t repeats, CountAt(object, "repeats"));
  TRY(const std::uint64_t refused, CountAt(object, "refused"));
  if (logged != progress.logged || repeats != progress.repeats || refused != progress.refused) {
    return NoSuchAnswer("its counts are not those of its lines");
  }
  progress.is_done = true;
  return {};
}

Result<void> AnswerCheck::OnPatient(const codec::JsonObject& object, Progress& progress) {
  TRY(const std::uint64_t number, CountAt(object, "patient"));
  TRY(std::string id, TextAt(object, "id"));
  TRY(std::string system, TextAt(object, "system"));
  TRY(const audit::SubjectTag claimed, DigestAt<audit::SubjectTag>(object, "tag"));
  TRY(const Bytes proof, BytesAt(object, "proof"));
  const Result<std::optional<std::string_view>> role = codec::OptionalStringAt(object, "role");
  if (!role || (*role && **role != "system")) return NoSuchAnswer("role");
  const audit::SubjectKind kind =
      *role ? audit::SubjectKind::kSystem : audit::SubjectKind::kPatient;
  const audit::Subject subject{kind, std::move(system), std::move(id)};
  TRY(const audit::SubjectTag tag, tags_.Verify(log_, subject, claimed, proof));
  progress.patients.insert_or_assign(number, Progress::Patient{subject, tag});
  return {};
}

Result<void> AnswerCheck::OnLine(const codec::JsonObject& object, Progress& progress) {
  TRY(const std::uint64_t number, CountAt(object, "line"));
  if (number == 0 || number > progress.lines.size() || progress.lines[number - 1].count == 0) {
    return NoSuchAnswer("it is about a line that was not sent");
  }
  Progress::Line& place = progress.lines[number - 1];
  if (place.answered == place.count) return NoSuchAnswer("it answers a line twice");
  Sent& sent = progress.sent[place.first + place.answered++];
  TRY(const std::string status, TextAt(object, "status"));
  if (status == "refused") {
    TRY(const std::string name, TextAt(object, "error"));
    TRY(std::string detail, TextAt(object, "detail"));
    const ErrorCode code = CodeOfName(name);
    if (IsServersOwn(code)) return ServerFailed(code, detail);
    if (const auto member = codec::OptionalStringAt(object, "member"); member && *member) {
      detail.insert(0, std::string(**member) + ": ");
    }
    sent.line.status = CheckedLine::Status::kRefused;
    sent.line.event_id = sent.id;
    sent.line.refusal = Error{code, std::move(detail)};
    ++progress.refused;
    return {};
  }
  if (status != "logged" && status != "repeat") return NoSuchAnswer("status");
  const bool is_repeat = status == "repeat";
  ++(is_repeat ? progress.repeats : progress.logged);
  sent.line.status = is_repeat ? CheckedLine::Status::kRepeat : CheckedLine::Status::kLogged;
  if (!sent.is_event) {
    return Wrong(number, "the server says that it logged a line that is no event");
  }
  TRY(sent.line.event_id, TextAt(object, "id"));
  if (sent.line.event_id != sent.id) return Wrong(number, "it was logged under another id");
  TRY(sent.line.index.value, CountAt(object, "index"));
  TRY(sent.line.leaf, DigestAt<merkle::LeafHash>(object, "leaf"));
  TRY(const std::uint64_t patient, CountAt(object, "patient"));
  const auto found = progress.patients.find(patient);
  if (found == progress.patients.end()) return NoSuchAnswer("it names a patient too late");
  if (found->second.subject != sent.subject) {
    return Wrong(number, "it was filed under another patient than the one sent");
  }
  sent.tag = found->second.tag;
  return Open(object, sent, progress);
}

// Open looks into the entry, where there is one to look into.
Result<void> AnswerCheck::Open(const codec::JsonObject& object, Sent& sent,
                               const Progress& progress) {
  const std::uint64_t number = sent.line.line;
  const bool is_repeat = sent.line.status == CheckedLine::Status::kRepeat;
  const bool has_key = object.contains("key");
  const bool has_entry = object.contains("entry");
  if (!is_repeat && !(has_key && has_entry)) {
    return Wrong(number, "the server says that it logged the event, and does not show what");
  }
  if (!has_key || !(has_entry || *progress.fetch_entry)) return {};
  TRY(const std::string key_text, TextAt(object, "key"));
  Bytes entry;
  if (has_entry) {
    TRY(entry, BytesAt(object, "entry"));
  } else {
    TRY(entry, (*progress.fetch_entry)(sent.line.index));
  }
  const ByteSpan expected = ByteSpan(progress.plaintexts).subspan(sent.offset, sent.size);
  TRY_VOID(Compare(sent, expected, key_text, entry));
  sent.line.was_opened = true;
  return {};
}

Result<void> AnswerCheck::Compare(const Sent& sent, ByteSpan expected, std::string_view key_text,
                                  ByteSpan entry) {
  const std::uint64_t number = sent.line.line;
  audit::EntryKey key;
  const auto key_size =
      codec::Base64UrlDecodeInto(key_text, key.mutable_view(ClientSecrets::Token()));
  if (!key_size || *key_size != audit::EntryKey::kSize) return NoSuchAnswer("key");
  if (merkle::HashLeaf(entry) != sent.line.leaf) {
    return Wrong(number, "the entry has another hash than the server says it logged");
  }
  const Result<audit::EntryView> view = audit::ParseEntry(entry);
  if (!view || !view->sealed) return Wrong(number, "what was logged is no sealed event");
  if (view->sealed->key_id != audit::KeyIdOf(key)) {
    return Wrong(number, "the entry is not sealed under the key that came with it");
  }
  const Bytes aad = audit::SealingAad(log_.origin, sent.tag);
  const Result<Bytes> plaintext = sealer_.Open(key, aad, *view->sealed);
  if (!plaintext) return Wrong(number, "the entry does not open under the patient's tag");
  if (!Equal(*plaintext, expected)) {
    return Wrong(number, "another event was sealed than the one that was sent");
  }
  return {};
}

Result<void> AnswerCheck::OnReceipt(const codec::JsonObject& object, Progress& progress) {
  const Result<const codec::JsonObject*> member = codec::ObjectAt(object, "receipt");
  const Result<const codec::JsonArray*> ranges = codec::ArrayAt(object, "lines");
  if (!member || !ranges) return NoSuchAnswer("receipt");
  KeptReceipt kept;
  kept.source = source_;
  Result<audit::Receipt> receipt = ReceiptFromJson(**member);
  if (!receipt) return NoSuchAnswer(receipt.error().message);
  kept.receipt = *std::move(receipt);
  std::vector<std::uint64_t> lines;
  TRY_VOID(ReadRanges(**ranges, progress.lines.size(), progress.sent.size(), lines));
  std::vector<const CheckedLine*> covered;
  for (const std::uint64_t number : lines) {
    Progress::Line& place = progress.lines[number - 1];
    const auto at = [&] { return place.first + place.receipted; };
    while (place.receipted < place.answered && progress.sent[at()].line.refusal) ++place.receipted;
    if (place.receipted == place.answered) {
      return Wrong(number, "the receipt is about a line that it can't be about");
    }
    Sent& sent = progress.sent[at()];
    ++place.receipted;
    sent.has_receipt = true;
    covered.push_back(&sent.line);
    kept.events.push_back(
        {sent.id, sent.line.index, sent.line.leaf, sent.tag, sent.patient, sent.system});
  }
  TRY(const audit::ReceiptBody body, kept.Verify(log_.origin, log_.receipt_vkey));
  for (const CheckedLine* line : covered) {
    const std::uint64_t index = line->index.value;
    const bool is_in_commit = index >= body.first_index && index - body.first_index < body.count;
    if (line->status == CheckedLine::Status::kLogged && !is_in_commit) {
      return Wrong(line->line, "the receipt is of a commit that does not hold the entry");
    }
    if (line->status == CheckedLine::Status::kRepeat && index >= body.first_index + body.count) {
      return Wrong(line->line, "the receipt is older than the entry that it is said to be of");
    }
  }
  progress.answer.receipts.push_back(std::move(kept));
  return {};
}

Result<CheckedAnswer> AnswerCheck::Finish(Progress& progress) {
  if (!progress.is_done) return Unavailable("the server's answer was cut off");
  for (std::size_t i = 0; i < progress.lines.size(); ++i) {
    if (progress.lines[i].answered < progress.lines[i].count) {
      return NoSuchAnswer("line " + std::to_string(i + 1) + " is not answered");
    }
  }
  for (Sent& sent : progress.sent) {
    if (!sent.line.refusal && !sent.has_receipt) {
      return Wrong(sent.line.line, "the server gave no receipt for it");
    }
    progress.answer.lines.push_back(std::move(sent.line));
  }
  return std::move(progress.answer);
}

}  // namespace salus::client
