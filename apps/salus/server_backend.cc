#include "apps/salus/backend.h"

namespace salus::cli {

Result<std::unique_ptr<Backend>> OpenServer(const ServerPlace& place) {
  return FailedPrecondition(place.server + ": servers are not built yet: use --data DIR");
}

Result<std::string> ConnectServer(const std::string& url, const std::string&, const std::string&) {
  return FailedPrecondition(url + ": servers are not built yet: use --data DIR");
}

}  // namespace salus::cli
