#pragma once

#include <string>
#include <vector>

#include "aggregate/peer_party.h"
#include "aggregate/peer_result.h"
#include "aggregate/peer_roster.h"
#include "apps/salus/session.h"

namespace salus::cli {

inline constexpr std::size_t kMaxTranscriptBytes = std::size_t{1} << 30;

// The verbs of `salus aggregate`, one file each.
Result<ExitCode> RunAggregateRoster(Session& session);
Result<ExitCode> RunAggregateHost(Session& session);
Result<ExitCode> RunAggregateJoin(Session& session);
Result<ExitCode> RunAggregateCheck(Session& session);
Result<ExitCode> RunTaskCheck(Session& session);  // check --task
Result<ExitCode> RunAggregateDemo(Session& session);
Result<ExitCode> RunAggregateRelease(Session& session);

// ReadRosterFile reads what `salus aggregate roster` wrote; a line feed at its end is passed over.
//
// Errors: NotFound; InvalidArgument names the member that is wrong.
Result<aggregate::PeerRoster> ReadRosterFile(const std::string& path);

// OwnerOf is the identity of --as as a session takes it.
//
// Errors: FailedPrecondition when it has no certificate.
Result<aggregate::PeerOwner> OwnerOf(Session& session);

// QuestionOf is what a roster asks of each party, in words.
std::string QuestionOf(const aggregate::PeerRoster& roster);

// Quantiles are the shares of all values that a histogram is asked for; empty: the quartiles.
using Quantiles = std::vector<double>;

// QuantilesOf reads --quantile.
//
// Errors: usage for what is no share, and where the roster does not ask for a histogram.
Result<Quantiles> QuantilesOf(Session& session, const aggregate::PeerRoster& roster);

// FiguresJson is a result as one object, with more's members in front. The names of figures that
// are known to the width of a bucket only stand in `approximate`.
codec::JsonObject FiguresJson(const aggregate::PeerRoster& roster,
                              const aggregate::PeerResult& result, const Quantiles& quantiles = {},
                              codec::JsonObject more = {});

// WriteFigures prints a result as rows of figure, value and unit; as JSON it is FiguresJson.
void WriteFigures(Session& session, OutputFormat format, const aggregate::PeerRoster& roster,
                  const aggregate::PeerResult& result, const Quantiles& quantiles = {},
                  codec::JsonObject more = {});

}  // namespace salus::cli
