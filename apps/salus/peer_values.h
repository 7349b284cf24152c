// What a party gives to a sum, and its word that it does so: asked on the terminal, or as flags
// say.
#pragma once

#include <cstdint>
#include <vector>

#include "aggregate/peer_roster.h"
#include "apps/salus/session.h"

namespace salus::cli {

// PartyValues are those of --value; `-` reads them from the standard input, one a line; without the
// flag they are asked for on the terminal, and not shown.
//
// Errors: usage for what is no whole number in the roster's range, or too few or many of them;
// FailedPrecondition where there is no terminal. No message holds a value.
Result<std::vector<std::int64_t>> PartyValues(Session& session,
                                              const aggregate::PeerRoster& roster);

// AskConsent shows what is asked of whom, and returns when the answer is yes, or --yes was given.
//
// Errors: FailedPrecondition for any other answer, and where there is no terminal.
Result<void> AskConsent(Session& session, const aggregate::PeerRoster& roster,
                        aggregate::PeerId self, const std::string& host);

}  // namespace salus::cli
