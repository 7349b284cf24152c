// RecordRequest is one request on its way: sealed by the caller's thread, made durable by the
// sequencer, read back and answered by a worker.
#pragma once

#include <memory>
#include <vector>

#include "audit/epoch_store.h"
#include "audit/recorder.h"
#include "audit/request_patients.h"
#include "tlog/submission.h"

namespace salus::audit {

class RecordRequest : public std::enable_shared_from_this<RecordRequest> {
 public:
  // lines is how many are expected: room, not a limit.
  RecordRequest(Recorder::State& state, SourceRow source, RecordOptions options, std::size_t lines,
                Recorder::Done done);
  ~RecordRequest();

  void Refuse(std::size_t line, Error error);
  // Add encodes the event; its text is not needed afterwards.
  void Add(std::size_t line, Event event);
  // Start seals everything that was added and hands it to the sequencer.
  void Start();

 private:
  struct Pending {
    std::size_t place;                       // in batch_.lines
    std::size_t offset, size, content_size;  // of the plaintext, and without its padding
    std::uint32_t id_offset, id_size;        // in batch_.ids
    std::uint32_t patient;                   // in patients_ and batch_.patients
    tlog::RepeatKey repeat;
  };
  static constexpr int kMaxRounds = 4;

  void AppendId(const EventId& id);
  std::string_view IdOf(const Pending& pending) const {
    return {batch_.ids.data() + pending.id_offset, pending.id_size};
  }
  ByteSpan PlaintextOf(const Pending& pending) const {
    return ByteSpan(plaintexts_).subspan(pending.offset, pending.size);
  }
  void MakeRepeatKeys();
  Result<void> RegisterPatients();
  Result<void> RegisterInterrupted();
  Result<void> SealAll();
  Result<void> Seal(std::span<const std::size_t> which);
  Result<void> FindEpochs(std::span<const std::size_t> which);
  void Submit();
  void AfterCommit(std::unique_ptr<tlog::Submission> submission);
  Result<void> ReadBack(const tlog::Submission& submission);
  void Answer(std::unique_ptr<tlog::Submission> submission);
  void AnswerLine(const tlog::Submission& submission, std::size_t i, std::size_t arena_offset);
  void FillReceiptLeaves(const tlog::Submission& submission);
  void Receipted(const std::shared_ptr<tlog::CommitAnswers>& answers);
  void Fail(Error error);
  void Finish();

  Recorder::State& state_;
  const SourceRow source_;
  const RecordOptions options_;
  Recorder::Done done_;
  Timestamp now_;
  Bytes plaintexts_;
  std::vector<Pending> pending_;
  RequestPatients patients_;
  std::unique_ptr<tlog::Submission> submission_;
  std::vector<std::size_t> sealed_;           // which of pending_ the submission holds
  std::vector<EntryKey> keys_;                // one an entry of the submission
  std::vector<std::size_t> stale_;            // to be sealed again
  std::vector<std::uint32_t> receipt_lines_;  // of the running commit
  std::uint32_t first_answer_ = 0;
  int rounds_ = 0;
  RecordedBatch batch_;
};

}  // namespace salus::audit
