// libcurl, loaded when a client is made: it brings thirty libraries, which would be two thirds of
// the memory and start of a program that talks to nobody. Internal to the module.
#pragma once

#include <curl/curl.h>

#include "base/result.h"

namespace salus::http {

// CurlLibrary holds the functions of libcurl that are used here, under their own names.
struct CurlLibrary {
  decltype(&curl_global_init) global_init;
  decltype(&curl_easy_init) easy_init;
  decltype(&curl_easy_reset) easy_reset;
  decltype(&curl_easy_setopt) easy_setopt;
  decltype(&curl_easy_perform) easy_perform;
  decltype(&curl_easy_pause) easy_pause;
  decltype(&curl_easy_getinfo) easy_getinfo;
  decltype(&curl_easy_cleanup) easy_cleanup;
  decltype(&curl_slist_append) slist_append;
  decltype(&curl_slist_free_all) slist_free_all;
};

// LoadCurl loads and starts the library once. Threads: safe.
//
// Errors: FailedPrecondition when it is not installed.
Result<void> LoadCurl();

// Curl is the library, after LoadCurl.
const CurlLibrary& Curl();

}  // namespace salus::http
