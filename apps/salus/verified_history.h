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

  // Read asks for a subject from a day of logging on. keep_evidence asks for the whole chain.
  struct Answered {
    audit::VerifiedHistory history;
    std::optional<audit::Evidence> evidence;
  };
  Result<Answered> Read(const audit::Subject& subject, std::optional<Day> from, bool keep_evidence);

 private:
  HistoryReader(Session& session, Backend& place, audit::PinnedLog log, client::ReaderState state)
      : session_(session), place_(place), log_(std::move(log)), state_(std::move(state)) {}
  Result<void> ReadOwnChain();
  // TakeShared takes over the past days that the patient opened to this auditor; whether there
  // were.
  Result<bool> TakeShared(const audit::VerifiedHistory& history);
  audit::VerifyQuestion QuestionOf(const audit::Subject& subject, const audit::KnownChain& known,
                                   const audit::ReaderKeys& keys) const;

  Session& session_;
  Backend& place_;
  const audit::PinnedLog log_;
  client::ReaderState state_;
  std::optional<crypto::P256PrivateKey> custody_key_;
  audit::ReaderKeys keys_;
  std::vector<Bytes> own_chain_answers_;
};

// OpenReaderKeys fills in what the identity of --as opens with: its own key, and the custody key
// that `custody join` left beside it. custody_key must outlive the keys.
Result<audit::ReaderKeys> OpenReaderKeys(Session& session,
                                         std::optional<crypto::P256PrivateKey>& custody_key);

inline constexpr char kCustodyKeyFile[] = "custody.key";

}  // namespace salus::cli
