// What can be made of the bytes that went over the network in a demonstration.
//
// Source: record layer of TLS 1.3, RFC 8446 section 5.1.
#pragma once

#include <string>

#include "apps/salus/demo_stage.h"
#include "codec/json.h"

namespace salus::cli {

std::string EavesdropperText(const DemoRun& run);
codec::JsonObject EavesdropperJson(const DemoRun& run);

// CheckHeardNothing looks in what was captured for anything that anybody said.
//
// Errors: VerificationFailed when a name, the roster, or a piece of a message stands there.
Result<void> CheckHeardNothing(const DemoRun& run);

}  // namespace salus::cli
