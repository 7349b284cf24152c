// ReadBack holds what the file gives back of a commit against what was meant: every entry of it is
// read and opened once, while a wrong byte can still be noticed before anybody relies on it.
//
// Source: protocol.md P2.4. The sequencer reads map roots (kind 3) back itself.
#pragma once

#include <cstddef>
#include <functional>

#include "audit/entry.h"
#include "base/result.h"
#include "tlog/log.h"
#include "tlog/submission.h"

namespace salus::audit {

// OpenLogged opens entry i of the submission as it was read, and compares what it holds.
using OpenLogged = std::function<Result<void>(std::size_t i, const EntryView& read)>;

// ReadBack reads what was logged of the submission, and the grants of its entries that its commit
// brought. The submission still has its arena, and its answers are not finished.
//
// Errors: Corruption, and what reading and `open` give.
Result<void> ReadBack(const tlog::Log& log, const tlog::Submission& submission,
                      const OpenLogged& open);

// RequireReadBack stops the process where ReadBack fails: what was acknowledged before is durable,
// and nothing may be acknowledged by a machine that writes other bytes than it was told.
void RequireReadBack(const tlog::Log& log, const tlog::Submission& submission,
                     const OpenLogged& open);

}  // namespace salus::audit
