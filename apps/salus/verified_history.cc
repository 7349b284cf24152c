#include "apps/salus/verified_history.h"

#include <algorithm>
#include <filesystem>

#include "audit/verified_readers.h"
#include "pki/key_file.h"

namespace salus::cli {

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
  TRY(Backend* const place, session.Place(Access::kAsk));
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
  asked.wait_cosigned = true;
  asked.known_size = state_.checkpoint() ? state_.checkpoint()->size.value : 0;
  TRY(Bytes encoded, place_.History(keys_.reader, asked));
  TRY(const audit::HistoryAnswer answer, audit::DecodeHistory(encoded));
  TRY(audit::JoinedHistory joined,
      audit::JoinHistory(QuestionOf(keys_.reader, known, keys_), {&answer, 1}));
  TRY_VOID(state_.RememberChain(keys_.reader, joined.own_chain.chain));
  TRY_VOID(state_.Remember(joined.own_chain.checkpoint));
  own_chain_answers_.assign(1, std::move(encoded));
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

Result<HistoryReader::Answered> HistoryReader::Read(const audit::Subject& subject,
                                                    std::optional<Day> from, bool keep_evidence) {
  audit::HistoryQuestion asked;
  asked.subject = subject;
  asked.from = from;
  asked.purpose = purpose_;
  asked.under = permit_;
  return Ask(std::move(asked), keep_evidence);
}

Result<HistoryReader::Answered> HistoryReader::Ask(audit::HistoryQuestion asked, bool keep_evidence,
                                                   bool is_again) {
  const audit::Subject& subject = asked.subject;
  TRY(const audit::KnownChain known, state_.Chain(subject));
  asked.wait_cosigned = true;  // what was logged a moment ago is asked for too
  asked.known_size = state_.checkpoint() ? state_.checkpoint()->size.value : 0;
  const bool remembers_items = known.items.size() == known.count;
  asked.after = keep_evidence || !remembers_items ? 0 : known.count;
  TRY(Bytes encoded, place_.History(keys_.reader, asked));
  TRY(const audit::HistoryAnswer answer, audit::DecodeHistory(encoded));
  keys_.shared.clear();
  audit::VerifyQuestion question = QuestionOf(subject, known, keys_);
  question.from = asked.from;
  question.under = under_;
  TRY(audit::VerifiedHistory history, audit::VerifyHistory(question, answer));
  if (history.newer_than_keys > 0 && !is_again) {
    // A day key came to be between the two questions: both are asked again.
    TRY_VOID(ReadOwnChain());
    return Ask(std::move(asked), keep_evidence, true);
  }
  TRY(audit::SharedDays shared, audit::SharedWith(history, keys_));
  if (shared.closed > 0) {
    session_.terminal().Warn("days that the patient shared can't be opened with this key");
  }
  keys_.shared = std::move(shared.grants);
  if (!keys_.shared.empty()) {
    TRY(history, audit::VerifyHistory(question, answer));
  }
  TRY_VOID(state_.RememberChain(subject, history.chain));
  TRY_VOID(state_.Remember(history.checkpoint));
  if (const auto other = audit::OtherKeyTold(history, keys_)) {
    history.warnings.push_back(
        "entry " + std::to_string(other->value) +
        " tells the patient another key than yours: unless you had it before, days that the "
        "patient shares with you go to somebody else. Have the mandate set again, and tell the "
        "patient");
  }
  Answered answered{
      std::move(history), std::nullopt, answer.permit, {answer.query_index, answer.query_leaf}};
  if (keep_evidence) {
    answered.evidence = audit::Evidence{log_, asked, session_.clock().Now(), own_chain_answers_,
                                        std::move(encoded)};
  }
  return answered;
}

}  // namespace salus::cli
