#include "apps/salus/verified_history.h"

#include <algorithm>
#include <filesystem>

#include "audit/shared_days.h"
#include "codec/cbor.h"
#include "pki/key_file.h"

namespace salus::cli {

namespace {

struct SharedDays {
  std::string auditor;
  std::string sealed;
};

// {1: auditor, 2: first day, 3: last day, 4: JWE}, as node::Node::ShareDays writes it.
Result<SharedDays> ReadSharedDays(ByteSpan content) {
  codec::CborReader reader(content);
  const auto read = [&reader]() -> Result<SharedDays> {
    TRY_VOID(reader.MapOf(4));
    SharedDays days;
    TRY_VOID(reader.Uint());
    TRY(days.auditor, reader.Text());
    for (int skipped = 0; skipped < 5; ++skipped) TRY_VOID(reader.Uint());
    TRY(days.sealed, reader.Text());
    TRY_VOID(reader.Finish());
    return days;
  };
  Result<SharedDays> days = read();
  if (!days) return VerificationFailed("an entry of shared days is not what it must be");
  return days;
}

}  // namespace

Result<audit::ReaderKeys> OpenReaderKeys(Session& session,
                                         std::optional<crypto::P256PrivateKey>& custody_key) {
  audit::ReaderKeys keys;
  TRY(keys.reader, session.Reader());
  TRY(const pki::IdentityDirectory* identity, session.Identity());
  keys.own_key = &identity->encryption_key();
  const std::filesystem::path path = identity->path() / kCustodyKeyFile;
  if (!std::filesystem::exists(path)) return keys;
  TRY(crypto::PrivateKey key, pki::ReadPrivateKeyFile(path, session.identity_passphrase()));
  auto* const p256 = std::get_if<crypto::P256PrivateKey>(&key);
  if (p256 == nullptr) return InvalidArgument(path.string() + ": is no P-256 key");
  custody_key = std::move(*p256);
  keys.custody_key = &*custody_key;
  return keys;
}

Result<std::unique_ptr<HistoryReader>> HistoryReader::Open(Session& session) {
  TRY_VOID(session.Reader());  // wrong usage is told before anything is opened
  TRY(Backend* const place, session.Place(Access::kWrite));
  audit::PinnedLog log = place->Pinned();
  TRY(client::ReaderState state, client::ReaderState::OfUser(log));
  std::unique_ptr<HistoryReader> reader(
      new HistoryReader(session, *place, std::move(log), std::move(state)));
  TRY(reader->keys_, OpenReaderKeys(session, reader->custody_key_));
  if (reader->keys_.reader.kind == audit::SubjectKind::kAuditor) TRY_VOID(reader->ReadOwnChain());
  return reader;
}

audit::VerifyQuestion HistoryReader::QuestionOf(const audit::Subject& subject,
                                                const audit::KnownChain& known,
                                                const audit::ReaderKeys& keys) const {
  audit::VerifyQuestion question;
  question.log = &log_;
  question.subject = subject;
  question.known = state_.checkpoint();
  question.chain = known;
  question.keys = &keys;
  question.now = session_.clock().Now();
  return question;
}

Result<void> HistoryReader::ReadOwnChain() {
  TRY(const audit::KnownChain known, state_.Chain(keys_.reader));
  audit::HistoryQuestion asked;
  asked.subject = keys_.reader;
  asked.known_size = state_.checkpoint() ? state_.checkpoint()->size.value : 0;
  TRY(Bytes encoded, place_.History(keys_.reader, asked));
  TRY(const audit::HistoryAnswer answer, audit::DecodeHistory(encoded));
  TRY(audit::JoinedHistory joined,
      audit::JoinHistory(QuestionOf(keys_.reader, known, keys_), {&answer, 1}));
  TRY_VOID(state_.RememberChain(keys_.reader, joined.own_chain.chain));
  TRY_VOID(state_.Remember(joined.own_chain.checkpoint));
  own_chain_answers_.push_back(std::move(encoded));
  keys_ = std::move(joined.keys);
  return {};
}

std::vector<audit::Subject> HistoryReader::Mandated() const {
  const Day today = DayOf(session_.clock().Now());
  std::vector<audit::Subject> patients;
  for (const audit::ReaderMandate& mandate : keys_.mandates) {
    if (mandate.ended || (mandate.until && *mandate.until < today)) continue;
    patients.insert(patients.end(), mandate.patients.begin(), mandate.patients.end());
  }
  return patients;
}

Result<bool> HistoryReader::TakeShared(const audit::VerifiedHistory& history) {
  keys_.shared.clear();
  if (keys_.reader.kind != audit::SubjectKind::kAuditor) return false;
  for (const audit::VerifiedEntry& entry : history.others) {
    const bool is_share = entry.kind == tlog::EntryKind::kPolicy &&
                          entry.type == audit::EventType::kDaysShared && !entry.plaintext.empty();
    if (!is_share) continue;
    TRY(const SharedDays days, ReadSharedDays(entry.plaintext));
    if (days.auditor != keys_.reader.id) continue;
    Result<std::vector<audit::SharedGrant>> grants =
        audit::OpenSharedGrants(days.sealed, *keys_.own_key);
    if (!grants) {
      session_.terminal().Warn("days that the patient shared can't be opened with this key");
      continue;
    }
    for (audit::SharedGrant& grant : *grants) keys_.shared.push_back(std::move(grant));
  }
  return !keys_.shared.empty();
}

Result<HistoryReader::Answered> HistoryReader::Read(const audit::Subject& subject,
                                                    std::optional<Day> from, bool keep_evidence) {
  TRY(const audit::KnownChain known, state_.Chain(subject));
  audit::HistoryQuestion asked;
  asked.subject = subject;
  asked.from = from;
  asked.known_size = state_.checkpoint() ? state_.checkpoint()->size.value : 0;
  const bool remembers_items = known.items.size() == known.count;
  asked.after = keep_evidence || !remembers_items ? 0 : known.count;
  TRY(Bytes encoded, place_.History(keys_.reader, asked));
  TRY(const audit::HistoryAnswer answer, audit::DecodeHistory(encoded));
  audit::VerifyQuestion question = QuestionOf(subject, known, keys_);
  question.from = from;
  TRY(audit::VerifiedHistory history, audit::VerifyHistory(question, answer));
  TRY(const bool has_shared, TakeShared(history));
  if (has_shared) {
    TRY(history, audit::VerifyHistory(question, answer));
  }
  TRY_VOID(state_.RememberChain(subject, history.chain));
  TRY_VOID(state_.Remember(history.checkpoint));
  Answered answered{std::move(history), std::nullopt};
  if (keep_evidence) {
    answered.evidence = audit::Evidence{log_, asked, session_.clock().Now(), own_chain_answers_,
                                        std::move(encoded)};
  }
  return answered;
}

}  // namespace salus::cli
