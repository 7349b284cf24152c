#include "http/router.h"

#include <gmock/gmock.h>

#include "http/problem.h"
#include "http/uri.h"

namespace salus::http {
namespace {

Route Make(Method method, std::string pattern, int tag) {
  Route route;
  route.method = method;
  route.pattern = std::move(pattern);
  route.tag = tag;
  route.handler = [](std::shared_ptr<Exchange>) {};
  return route;
}

Router MakeRouter() {
  std::vector<Route> routes;
  routes.push_back(Make(Method::kGet, "/", 1));
  routes.push_back(Make(Method::kGet, "/audit/v1/entries/{index}", 2));
  routes.push_back(Make(Method::kPost, "/audit/v1/entries/{index}", 3));
  routes.push_back(Make(Method::kGet, "/audit/v1/entries/latest", 4));
  routes.push_back(Make(Method::kGet, "/log/tile/{path...}", 5));
  routes.push_back(Make(Method::kGet, "/log/{what}/x", 6));
  routes.push_back(Make(Method::kDelete, "/a/{b}/c/{d}", 7));
  return *Router::Create(std::move(routes));
}

int TagOf(const Router& router, Method method, std::string_view path) {
  const RouteMatch match = router.Match(method, path);
  return match.route != nullptr ? match.route->tag : -match.status;
}

TEST(Router, FindsTheMostExactRoute) {
  const Router router = MakeRouter();
  EXPECT_EQ(TagOf(router, Method::kGet, "/"), 1);
  EXPECT_EQ(TagOf(router, Method::kGet, "/audit/v1/entries/17"), 2);
  EXPECT_EQ(TagOf(router, Method::kPost, "/audit/v1/entries/17"), 3);
  EXPECT_EQ(TagOf(router, Method::kGet, "/audit/v1/entries/latest"), 4);
  EXPECT_EQ(TagOf(router, Method::kGet, "/log/tile/0/x001/067.p/8"), 5);
  EXPECT_EQ(TagOf(router, Method::kGet, "/log/tile/x"), 5);
  EXPECT_EQ(TagOf(router, Method::kGet, "/log/other/x"), 6);
  EXPECT_EQ(TagOf(router, Method::kHead, "/"), 1);
  EXPECT_EQ(TagOf(router, Method::kGet, "/log/tile"), -404);
  EXPECT_EQ(TagOf(router, Method::kGet, "/log/tile/"), -404);
  EXPECT_EQ(TagOf(router, Method::kGet, "/audit/v1/entries/"), -404);
  EXPECT_EQ(TagOf(router, Method::kGet, "/audit/v1/entries/17/"), -404);
  EXPECT_EQ(TagOf(router, Method::kGet, "//audit/v1/entries/17"), -404);
}

TEST(Router, HandsBackDecodedParameters) {
  const Router router = MakeRouter();
  const RouteMatch two = router.Match(Method::kDelete, "/a/x%20y/c/%C3%A9");
  ASSERT_NE(two.route, nullptr);
  EXPECT_THAT(two.parameters,
              testing::ElementsAre(testing::Pair("b", "x y"), testing::Pair("d", "\xc3\xa9")));
  const RouteMatch rest = router.Match(Method::kGet, "/log/tile/0/x001/067");
  EXPECT_THAT(rest.parameters, testing::ElementsAre(testing::Pair("path", "0/x001/067")));
}

TEST(Router, TellsWhichMethodsThereAre) {
  const RouteMatch match = MakeRouter().Match(Method::kPut, "/audit/v1/entries/17");
  EXPECT_EQ(match.status, 405);
  EXPECT_EQ(match.allow, "GET, HEAD, POST");
}

TEST(Router, RefusesPathsWithTwoMeanings) {
  const Router router = MakeRouter();
  for (const char* path :
       {"/audit/v1/entries/..", "/log/tile/../x", "/log/tile/%2e%2e/x", "/log/tile/a%2fb",
        "/log/tile/a%5cb", "/log/tile/a\\b", "/log/tile/%00", "/log/tile/%", "/log/tile/%4",
        "/log/tile/%zz", "/log/tile/%ff", "/./", "", "*"}) {
    EXPECT_EQ(TagOf(router, Method::kGet, path), -400) << path;
  }
}

TEST(Router, TakesEveryEncodedByteAsTheValueOfAName) {
  const Router router = MakeRouter();
  const auto value = [&](std::string_view segment) {
    const RouteMatch match =
        router.Match(Method::kGet, "/audit/v1/entries/" + std::string(segment));
    return match.status == 200 ? match.parameters.at(0).second : std::to_string(match.status);
  };
  EXPECT_EQ(value("a%2Fb"), "a/b");
  EXPECT_EQ(value("%2F..%2F"), "/../");
  EXPECT_EQ(value("%5C"), "\\");
  EXPECT_EQ(value("%2E%2e"), "..");
  EXPECT_EQ(value(".%2E"), "..");
  EXPECT_EQ(value(".."), "400");
  // No literal and no path is matched by it.
  EXPECT_EQ(TagOf(router, Method::kGet, "/audit%2Fv1/entries/1"), -400);
  EXPECT_EQ(TagOf(router, Method::kGet, "/log/tile/0/x%2Fy"), -400);
}

TEST(Router, RefusesBadTables) {
  const auto fails = [](std::vector<std::string> patterns) {
    std::vector<Route> routes;
    for (auto& pattern : patterns) routes.push_back(Make(Method::kGet, pattern, 0));
    return !Router::Create(std::move(routes)).has_value();
  };
  EXPECT_TRUE(fails({"a"}));
  EXPECT_TRUE(fails({""}));
  EXPECT_TRUE(fails({"/a", "/a"}));
  EXPECT_TRUE(fails({"/a/{x}", "/a/{y}"}));
  EXPECT_TRUE(fails({"/{a...}/b"}));
  EXPECT_TRUE(fails({"/{a"}));
  EXPECT_TRUE(fails({"/{}"}));
  EXPECT_TRUE(fails({"/x{a}"}));
}

TEST(Uri, DecodesStrictly) {
  EXPECT_EQ(*PercentDecode("a%2Fb+c"), "a/b+c");
  EXPECT_FALSE(PercentDecode("%"));
  EXPECT_FALSE(PercentDecode("%1"));
  EXPECT_FALSE(PercentDecode("%g0"));
  EXPECT_FALSE(PercentDecode("%00"));
  EXPECT_FALSE(PercentDecode("%c3"));
  EXPECT_EQ(PercentEncode("a b/\xc3\xa9~"), "a%20b%2F%C3%A9~");
}

TEST(Uri, ParsesQueries) {
  const auto query = Query::Parse("a=1&b=x+y%26z&c&&a=2&=e");
  ASSERT_TRUE(query);
  EXPECT_EQ(*query->Find("a"), "1");
  EXPECT_EQ(query->Count("a"), 2u);
  EXPECT_EQ(*query->Find("b"), "x y&z");
  EXPECT_EQ(*query->Find("c"), "");
  EXPECT_EQ(*query->Find(""), "e");
  EXPECT_EQ(query->Find("d"), nullptr);
  std::string many;
  for (int i = 0; i < 65; ++i) many += "a&";
  EXPECT_FALSE(Query::Parse(many));
  EXPECT_FALSE(Query::Parse("a=%"));
}

TEST(Problem, IsRfc9457) {
  EXPECT_EQ(ProblemJson(404, "", "no \"such\" thing\n"),
            R"({"type":"about:blank","title":"Not Found","status":404,)"
            R"("detail":"no \"such\" thing\n"})");
  EXPECT_EQ(ProblemJson(418, "Teapot", ""),
            R"({"type":"about:blank","title":"Teapot","status":418})");
  EXPECT_EQ(Problem(400, "", "").headers.Find("content-type"), "application/problem+json");
}

}  // namespace
}  // namespace salus::http
