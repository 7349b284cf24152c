#include "proxy/access_log.h"

#include <fmt/format.h>

#include <utility>

#include "codec/rfc3339.h"

namespace salus::proxy {

Result<std::unique_ptr<AccessLog>> AccessLog::Open(const std::string& path) {
  TRY(auto writer, LineWriter::Open(path));
  return std::unique_ptr<AccessLog>(new AccessLog(std::move(writer)));
}

void AccessLog::Add(const AccessLine& line) {
  writer_->Add(fmt::format("{} {} {} {} {:.3f} {}\n", codec::FormatRfc3339(clock_.Now()),
                           http::MethodName(line.method), line.status, line.body_bytes,
                           static_cast<double>(line.duration.count()) / 1e6, line.tls_version));
}

}  // namespace salus::proxy
