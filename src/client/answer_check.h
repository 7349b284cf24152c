// AnswerCheck holds a server's answer to a batch of events against what was sent: the client's half
// of "no trace without proof".
//
// Source: protocol.md P1.3, P2.3, P5.2.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "audit/event.h"
#include "audit/seal.h"
#include "audit/verify.h"
#include "base/random.h"
#include "client/kept_receipt.h"
#include "client/line_batch.h"
#include "codec/flat_json.h"

namespace salus::client {

// CheckedLine is the verified answer to one line of a batch.
struct CheckedLine {
  enum class Status { kLogged, kRepeat, kRefused };
  std::uint64_t line = 0;  // counted from 1 in the batch
  Status status = Status::kLogged;
  std::string event_id;
  merkle::LeafIndex index;
  merkle::LeafHash leaf;
  bool was_opened = false;  // the entry was opened and compared; a repeat's may be closed for good
  std::optional<Error> refusal;  // with the member in front of the message
};

// CheckedAnswer is a whole answer in which nothing was found wrong.
struct CheckedAnswer {
  std::vector<CheckedLine> lines;  // in the order of the answer
  std::vector<KeptReceipt> receipts;
};

// KnownTags remembers tags that were recomputed from their proofs, so that each patient costs one
// verification a run. A server that gives two tags for one patient is caught here too.
//
// Threads: safe to share.
class KnownTags {
 public:
  // Errors: VerificationFailed.
  Result<audit::SubjectTag> Verify(const audit::PinnedLog& log, const audit::Subject& subject,
                                   const audit::SubjectTag& claimed, ByteSpan proof);

 private:
  static constexpr std::size_t kMaxTags = 1'000'000;
  std::mutex mutex_;
  std::map<audit::Subject, audit::SubjectTag> tags_;
};

// AnswerCheck checks answers to batches of lines: our own, or FHIR resources, which are converted
// here as the server has to convert them.
//
// Threads: one a thread; they may share a KnownTags.
class AnswerCheck {
 public:
  // log and tags must stay. source is our own id, as the server put it into each event.
  AnswerCheck(const audit::PinnedLog& log, std::string source, KnownTags& tags,
              RandomSource& random, InputFormat format = InputFormat::kNdjson);
  ~AnswerCheck();

  // FetchEntry gets the caller's own entry at an index.
  using FetchEntry = std::function<Result<Bytes>(merkle::LeafIndex index)>;

  // Check reads the whole answer to a batch of lines. Every event (a line that is not blank; of
  // FHIR one for each patient that the resource is about) must be answered once; every accepted one
  // must open to the event that was sent, under the patient's recomputed tag, and stand in a
  // receipt signed by the log's receipt key. A repeat comes without its entry: where its key came,
  // fetch_entry is asked for it, if there is one.
  //
  // Errors: Unavailable when the answer ends early or is no such answer, or the server failed (try
  //         again); ResourceExhausted when its disk is full; VerificationFailed, with the line of
  //         the batch and what is wrong.
  Result<CheckedAnswer> Check(std::string_view batch, std::string_view answer,
                              const FetchEntry& fetch_entry = {});

 private:
  struct Sent;
  struct Progress;
  void AddSent(std::size_t number, Result<audit::Event> event, Progress& progress);
  void ReadBatch(std::string_view batch, Progress& progress);
  Result<void> OnObject(const codec::JsonObject& object, Progress& progress);
  Result<void> OnPatient(const codec::JsonObject& object, Progress& progress);
  Result<void> OnLine(const codec::JsonObject& object, Progress& progress);
  Result<void> OnReceipt(const codec::JsonObject& object, Progress& progress);
  Result<void> Open(const codec::JsonObject& object, Sent& sent, const Progress& progress);
  Result<void> Compare(const Sent& sent, ByteSpan expected, std::string_view key_text,
                       ByteSpan entry);
  Result<CheckedAnswer> Finish(Progress& progress);

  const audit::PinnedLog& log_;
  const std::string source_;
  KnownTags& tags_;
  const InputFormat format_;
  audit::Sealer sealer_;
  codec::FlatJsonParser parser_;
};

}  // namespace salus::client
