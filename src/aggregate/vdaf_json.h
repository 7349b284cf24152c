// VdafFromJson and VdafToJson are the JSON form of a VdafInstance, for tasks and rosters.
#pragma once

#include <string_view>

#include "aggregate/vdaf_instance.h"
#include "base/result.h"
#include "codec/json.h"

namespace salus::aggregate {

// IsKnownCircuit says whether a number is a circuit of ours.
bool IsKnownCircuit(Circuit circuit);
// CircuitName is "count", "sum", "sum-vec", "histogram", "multihot-count-vec", "mean-var" or
// "lin-reg". The circuit must be known: CHECK.
std::string_view CircuitName(Circuit circuit);

// VdafFromJson reads {"circuit": NAME} with the limits that the circuit has, and no others.
//
// Source: our own, docs/formats/dap-task.md.
// Shape:  numbers from 0 to 2^63-1, and below 2^32 where VdafInstance holds 32 bits. Profile and
//         shares are not in it: they follow from where it stands.
// Errors: InvalidArgument with the member.
Result<VdafInstance> VdafFromJson(const codec::JsonObject& object, VdafProfile profile,
                                  std::uint8_t shares);
codec::JsonObject VdafToJson(const VdafInstance& vdaf);

}  // namespace salus::aggregate
