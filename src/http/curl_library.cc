#include "http/curl_library.h"

#include "base/check.h"
#include "base/late_library.h"

namespace salus::http {

namespace {

CurlLibrary g_curl;

bool Load() {
  LateLibrary library("libcurl.so.4");
  library.Find("curl_global_init", g_curl.global_init);
  library.Find("curl_easy_init", g_curl.easy_init);
  library.Find("curl_easy_reset", g_curl.easy_reset);
  library.Find("curl_easy_setopt", g_curl.easy_setopt);
  library.Find("curl_easy_perform", g_curl.easy_perform);
  library.Find("curl_easy_pause", g_curl.easy_pause);
  library.Find("curl_easy_getinfo", g_curl.easy_getinfo);
  library.Find("curl_easy_cleanup", g_curl.easy_cleanup);
  library.Find("curl_slist_append", g_curl.slist_append);
  library.Find("curl_slist_free_all", g_curl.slist_free_all);
  return library.is_complete() && g_curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
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
