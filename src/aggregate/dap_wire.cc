#include "aggregate/dap_wire.h"

namespace salus::aggregate {

Error DapReader::Fault(std::string_view field, std::string_view what) const {
  return InvalidArgument(std::string(field) + " at byte " + std::to_string(offset()) + ": " +
                         std::string(what));
}

Result<ByteSpan> DapReader::Fixed(std::string_view field, std::size_t size) {
  if (size > rest_.size()) {
    return Fault(field, "cut off: it needs " + std::to_string(size) + " bytes, there are " +
                            std::to_string(rest_.size()));
  }
  const ByteSpan bytes = rest_.first(size);
  rest_ = rest_.subspan(size);
  return bytes;
}

Result<void> DapReader::Finish(std::string_view message) const {
  if (AtEnd()) return {};
  return InvalidArgument(std::string(message) + ": it ends at byte " + std::to_string(offset()) +
                         ", and there are " + std::to_string(rest_.size()) + " more");
}

Result<DapExtension> ReadExtension(DapReader& in) {
  DapExtension extension;
  TRY(extension.type, in.U16("extension_type"));
  TRY(const ByteSpan data, in.Vector<std::uint16_t>("extension_data"));
  extension.data = ToBytes(data);
  return extension;
}

void WriteExtension(DapWriter& out, const DapExtension& extension) {
  out.Be(extension.type);
  out.Vector<std::uint16_t>(extension.data);
}

Result<std::vector<DapExtension>> ReadExtensions(DapReader& in, std::string_view field) {
  TRY(DapReader list, in.List<std::uint16_t>(field));
  std::vector<DapExtension> extensions;
  while (!list.AtEnd()) {
    if (extensions.size() == kMaxDapExtensions) {
      return list.Fault(field, "more than " + std::to_string(kMaxDapExtensions) + " extensions");
    }
    TRY(DapExtension extension, ReadExtension(list));
    extensions.push_back(std::move(extension));
  }
  return extensions;
}

void WriteExtensions(DapWriter& out, const std::vector<DapExtension>& extensions) {
  const std::size_t begin = out.Begin<std::uint16_t>();
  for (const DapExtension& extension : extensions) WriteExtension(out, extension);
  out.End<std::uint16_t>(begin);
}

Result<BatchMode> ReadBatchMode(DapReader& in) {
  TRY(const std::uint8_t mode, in.U8("batch_mode"));
  switch (mode) {
    case static_cast<std::uint8_t>(BatchMode::kTimeInterval):
      return BatchMode::kTimeInterval;
    case static_cast<std::uint8_t>(BatchMode::kLeaderSelected):
      return BatchMode::kLeaderSelected;
    default:
      return in.Fault("batch_mode", "it is neither time-interval (1) nor leader-selected (2)");
  }
}

}  // namespace salus::aggregate
