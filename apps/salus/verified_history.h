#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "apps/salus/session.h"
#include "client/reader_state.h"

namespace salus::cli {

// HistoryReader asks a place about subjects as the holder of --as, verifies every answer, and
// remembers what it has verified. Nothing that was not proven comes out of it.
class HistoryReader {
 public:
  // Open also reads and verifies an auditor's own chain, for its day keys and mandates.
  // Errors: those of Place, Identity and VerifyHistory.
  static Result<std::unique_ptr<HistoryReader>> Open(Session& session);

  const audit::Subject& reader() const { return keys_.reader; }
  const audit::PinnedLog& log() const { return log_; }
  // Mandated are the patients that an auditor's own chain names today.
  std::vector<audit::Subject> Mandated() const;

  // MandateQuestion is one question of a whole mandate, out of the mandate's verified chain.
  struct MandateQuestion {
    std::string auditor;
    std::string purpose;
    Timestamp time;
    merkle::LeafIndex entry;
  };
  // AskMandate asks about an auditor's whole mandate: its patients by the auditor's own chain, and
  // all questions in the mandate's. What is read from then on is read under this question, without
  // an entry more. There is nothing in it where the own chain holds no mandate.
  // Errors: also VerificationFailed when the place denies or shortens a mandate that the log holds.
  struct AskedMandate {
    std::vector<audit::Subject> patients;
    std::vector<MandateQuestion> questions;
  };
  Result<AskedMandate> AskMandate();
  // MandateQuestions are those asked while the mandate named this patient: own is the patient's
  // answer, which tells the mandates' tags.
  struct Answered;
  Result<std::vector<MandateQuestion>> MandateQuestions(const Answered& own);
  // set_purpose is what the questions from then on are asked for.
  void set_purpose(std::string purpose) { purpose_ = std::move(purpose); }

  // Read asks for a subject from a day of logging on. keep_evidence asks for the whole chain.
  struct Answered {
    audit::VerifiedHistory history;
    std::optional<audit::Evidence> evidence;
    std::string permit;       // to ask for more under this question
    audit::AskedUnder asked;  // its own entry
  };
  Result<Answered> Read(const audit::Subject& subject, std::optional<Day> from, bool keep_evidence);

 private:
  HistoryReader(Session& session, Backend& place, audit::PinnedLog log, client::ReaderState state)
      : session_(session), place_(place), log_(std::move(log)), state_(std::move(state)) {}
  Result<void> ReadOwnChain();
  Result<std::vector<audit::Subject>> MandatedByLog();
  Error MandateDenied(Error error) const;
  Result<Answered> Ask(audit::HistoryQuestion asked, bool keep_evidence, bool is_again = false);
  audit::VerifyQuestion QuestionOf(const audit::Subject& subject, const audit::KnownChain& known,
                                   const audit::ReaderKeys& keys) const;

  Session& session_;
  Backend& place_;
  const audit::PinnedLog log_;
  client::ReaderState state_;
  std::optional<crypto::P256PrivateKey> custody_key_;
  audit::ReaderKeys keys_;
  std::vector<Bytes> own_chain_answers_;
  std::string purpose_;
  std::string permit_;
  std::optional<audit::AskedUnder> under_;
};

// OpenReaderKeys fills in what the identity of --as opens with: its own key, and the custody key
// that `custody join` left beside it. custody_key must outlive the keys.
Result<audit::ReaderKeys> OpenReaderKeys(Session& session,
                                         std::optional<crypto::P256PrivateKey>& custody_key);

inline constexpr char kCustodyKeyFile[] = "custody.key";

}  // namespace salus::cli
