#include "http/curl_library.h"

#include <dlfcn.h>

#include "base/check.h"

namespace salus::http {

namespace {

CurlLibrary g_curl;

template <typename Function>
bool Find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

bool Load() {
  // Never closed: its functions are used until the end.
  void* const library = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return false;
  const bool has_all = Find(library, "curl_global_init", g_curl.global_init) &&
                       Find(library, "curl_easy_init", g_curl.easy_init) &&
                       Find(library, "curl_easy_reset", g_curl.easy_reset) &&
                       Find(library, "curl_easy_setopt", g_curl.easy_setopt) &&
                       Find(library, "curl_easy_perform", g_curl.easy_perform) &&
                       Find(library, "curl_easy_pause", g_curl.easy_pause) &&
                       Find(library, "curl_easy_getinfo", g_curl.easy_getinfo) &&
                       Find(library, "curl_easy_cleanup", g_curl.easy_cleanup) &&
                       Find(library, "curl_slist_append", g_curl.slist_append) &&
                       Find(library, "curl_slist_free_all", g_curl.slist_free_all);
  return has_all && g_curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

}  // namespace

Result<void> LoadCurl() {
  static const bool is_loaded = Load();
  if (is_loaded) return {};
  return FailedPrecondition("libcurl is not installed, or does not start: apt install libcurl4");
}

const CurlLibrary& Curl() {
  CHECK(g_curl.slist_free_all != nullptr);
  return g_curl;
}

}  // namespace salus::http
