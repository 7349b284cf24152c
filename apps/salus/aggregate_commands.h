#pragma once

#include <string>

#include "aggregate/peer_party.h"
#include "aggregate/peer_result.h"
#include "aggregate/peer_roster.h"
#include "apps/salus/session.h"

namespace salus::cli {

// The verbs of `salus aggregate`, one file each.
Result<ExitCode> RunAggregateRoster(Session& session);
Result<ExitCode> RunAggregateHost(Session& session);
Result<ExitCode> RunAggregateJoin(Session& session);
Result<ExitCode> RunAggregateCheck(Session& session);
Result<ExitCode> RunTaskCheck(Session& session);  // check --task
Result<ExitCode> RunAggregateDemo(Session& session);

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

// FiguresJson is a result as one object, with more's members in front.
codec::JsonObject FiguresJson(const aggregate::PeerRoster& roster,
                              const aggregate::PeerResult& result, codec::JsonObject more = {});

// WriteFigures prints a result as rows of figure, value and unit; as JSON it is FiguresJson.
void WriteFigures(Session& session, OutputFormat format, const aggregate::PeerRoster& roster,
                  const aggregate::PeerResult& result, codec::JsonObject more = {});

}  // namespace salus::cli
