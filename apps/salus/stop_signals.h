// StopSignals lets a command that was told to stop remove what it has made so far.
#pragma once

#include "base/result.h"
#include "seal/stream.h"

namespace salus::cli {

// While it lives, the first SIGINT, SIGTERM or SIGHUP is noted; a second one ends the program at
// once. Only one may live at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // CheckStopped: no signal came. Threads: any.
  //
  // Errors: Unavailable when one did.
  static Result<void> CheckStopped();
};

// StoppableSink passes on to out, which outlives it, until a signal came.
class StoppableSink final : public seal::ByteSink {
 public:
  explicit StoppableSink(seal::ByteSink& out) : out_(out) {}
  Result<void> Write(ByteSpan bytes) override {
    TRY_VOID(StopSignals::CheckStopped());
    return out_.Write(bytes);
  }

 private:
  seal::ByteSink& out_;
};

}  // namespace salus::cli
