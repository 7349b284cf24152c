#include "aggregate/dap_interval.h"

#include "aggregate/dap_wire.h"

namespace salus::aggregate {

Result<DapInterval> ReadInterval(DapReader& in, std::string_view field) {
  DapInterval interval;
  TRY(interval.start, in.U64(field));
  TRY(interval.duration, in.U64(field));
  return interval;
}

void WriteInterval(DapWriter& out, const DapInterval& interval) {
  out.Be(interval.start);
  out.Be(interval.duration);
}

Result<DapInterval> DapInterval::Parse(ByteSpan bytes) {
  return ParseWhole("Interval", bytes, [](DapReader& in) { return ReadInterval(in, "interval"); });
}

Bytes DapInterval::Encode() const {
  DapWriter out;
  WriteInterval(out, *this);
  return std::move(out).Take();
}

}  // namespace salus::aggregate
