#include "api/route.h"

#include <gtest/gtest.h>

#include <tuple>

namespace bulkhead::api {
namespace {

const std::string kSha256 = "sha256:" + std::string(64, 'a');
const std::string kSha512 = "sha512:" + std::string(128, 'b');

// "kind name part", as the route holds them.
std::string render(const Route& parsed) {
  const std::string kind(name(parsed));
  if (const auto* at = std::get_if<route::Manifest>(&parsed))
    return kind + ' ' + at->name.render() + ' ' +
           std::visit([](const auto& reference) { return std::string(reference.render()); }, at->reference);
  if (const auto* at = std::get_if<route::Blob>(&parsed))
    return kind + ' ' + at->name.render() + ' ' + at->digest.render();
  if (const auto* at = std::get_if<route::UploadStart>(&parsed)) return kind + ' ' + at->name.render();
  if (const auto* at = std::get_if<route::Upload>(&parsed))
    return kind + ' ' + at->name.render() + ' ' + at->id;
  if (const auto* at = std::get_if<route::Tags>(&parsed)) return kind + ' ' + at->name.render();
  if (const auto* at = std::get_if<route::Referrers>(&parsed))
    return kind + ' ' + at->name.render() + ' ' + at->subject.render();
  if (const auto* at = std::get_if<route::Management>(&parsed)) return kind + ' ' + at->path;
  if (const auto* at = std::get_if<route::LogIn>(&parsed)) return kind + ' ' + at->path;
  return kind;
}

struct Known {
  std::string path;
  std::string route;
};
std::ostream& operator<<(std::ostream& out, const Known& known) { return out << known.path; }

class Routes : public testing::TestWithParam<Known> {};
TEST_P(Routes, AreFound) {
  const auto parsed = parse_route(GetParam().path);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(render(*parsed), GetParam().route);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Routes,
    testing::Values(Known{"/v2", "base"}, Known{"/v2/", "base"}, Known{"/v2/_catalog", "catalog"},
                    Known{"/token", "token"}, Known{"/api/v1/setup", "management /setup"},
                    Known{"/api/v1/repositories/a%2Fb", "management /repositories/a%2Fb"},
                    Known{"/login", "login "}, Known{"/login/corp", "login /corp"},
                    Known{"/healthz", "health"}, Known{"/readyz", "ready"}, Known{"/metrics", "metrics"},
                    Known{"/", "home"}, Known{"/favicon.svg", "home"},

                    Known{"/v2/app/manifests/latest", "manifest app latest"},
                    Known{"/v2/a/b/c/manifests/V1.0_x-y", "manifest a/b/c V1.0_x-y"},
                    Known{"/v2/app/manifests/" + kSha256, "manifest app " + kSha256},
                    Known{"/v2/app/manifests/" + kSha512, "manifest app " + kSha512},
                    Known{"/v2/app/blobs/" + kSha256, "blob app " + kSha256},
                    Known{"/v2/app/blobs/uploads", "upload_start app"},
                    Known{"/v2/app/blobs/uploads/", "upload_start app"},
                    Known{"/v2/a/b/blobs/uploads/0123abcd", "upload a/b 0123abcd"},
                    Known{"/v2/app/tags/list", "tags app"},
                    Known{"/v2/app/referrers/" + kSha256, "referrers app " + kSha256},

                    // A repository's name may hold the words that routes are made of.
                    Known{"/v2/manifests/manifests/manifests", "manifest manifests manifests"},
                    Known{"/v2/blobs/uploads/manifests/latest", "manifest blobs/uploads latest"},
                    Known{"/v2/a/blobs/uploads/tags/list", "tags a/blobs/uploads"},
                    Known{"/v2/a/manifests/tags/list", "tags a/manifests"},
                    Known{"/v2/tags/list/tags/list", "tags tags/list"},
                    Known{"/v2/a/tags/manifests/list", "manifest a/tags list"},
                    Known{"/v2/blobs/blobs/" + kSha256, "blob blobs " + kSha256},
                    Known{"/v2/a/manifests/blobs/" + kSha256, "blob a/manifests " + kSha256},
                    Known{"/v2/a/blobs/referrers/" + kSha256, "referrers a/blobs " + kSha256},
                    Known{"/v2/blobs/blobs/uploads/", "upload_start blobs"},
                    Known{"/v2/blobs/uploads/blobs/uploads/x", "upload blobs/uploads x"},
                    Known{"/v2/referrers/manifests/v1", "manifest referrers v1"},
                    Known{"/v2/token/tags/list", "tags token"},

                    // One spelling in percent-encoding is the same as the other.
                    Known{"/v2/%61%70p/manifests/l%61test", "manifest app latest"},
                    Known{"/v2/app/%6Danifests/v1", "manifest app v1"}, Known{"/%76%32/", "base"},
                    Known{"/v2/app/manifests/sha256%3A" + std::string(64, 'a'), "manifest app " + kSha256},
                    Known{"/v2/app/manifests/" + std::string(128, 't'),
                          "manifest app " + std::string(128, 't')},
                    Known{"/v2/" + std::string(255, 'n') + "/tags/list", "tags " + std::string(255, 'n')}));

struct Wrong {
  std::string path;
  Errc code;
};
std::ostream& operator<<(std::ostream& out, const Wrong& wrong) { return out << wrong.path; }

class WrongRoutes : public testing::TestWithParam<Wrong> {};
TEST_P(WrongRoutes, AreRefusedForTheRightReason) {
  const auto parsed = parse_route(GetParam().path);
  ASSERT_FALSE(parsed) << render(*parsed);
  EXPECT_EQ(parsed.error().code, GetParam().code) << parsed.error().message;
  EXPECT_FALSE(parsed.error().message.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Names, WrongRoutes,
    testing::Values(
        Wrong{"/v2/App/tags/list", Errc::name_invalid}, Wrong{"/v2/../tags/list", Errc::name_invalid},
        Wrong{"/v2/a/../b/tags/list", Errc::name_invalid}, Wrong{"/v2/a//b/tags/list", Errc::name_invalid},
        Wrong{"/v2//tags/list", Errc::name_invalid}, Wrong{"/v2/tags/list", Errc::name_invalid},
        Wrong{"/v2/manifests/latest", Errc::name_invalid}, Wrong{"/v2/blobs/uploads/", Errc::name_invalid},
        Wrong{"/v2/a.../manifests/v1", Errc::name_invalid}, Wrong{"/v2/a-/manifests/v1", Errc::name_invalid},
        Wrong{"/v2/a___b/manifests/v1", Errc::name_invalid}, Wrong{"/v2/a:b/tags/list", Errc::name_invalid},
        Wrong{"/v2/a?/tags/list", Errc::name_invalid}, Wrong{"/v2/a b/tags/list", Errc::name_invalid},
        Wrong{"/v2/caf\xc3\xa9/tags/list", Errc::name_invalid},
        Wrong{"/v2/" + std::string(256, 'n') + "/tags/list", Errc::name_invalid}));

INSTANTIATE_TEST_SUITE_P(
    Encodings, WrongRoutes,
    testing::Values(
        Wrong{"/v2/a%2Fb/tags/list", Errc::name_invalid}, Wrong{"/v2/a%2fb/tags/list", Errc::name_invalid},
        Wrong{"/v2/a/manifests/v%2F1", Errc::name_invalid}, Wrong{"/v2%2Fa/tags/list", Errc::name_invalid},
        Wrong{"/v2/a%00/tags/list", Errc::name_invalid}, Wrong{"/v2/a/manifests/v1%00", Errc::name_invalid},
        Wrong{"/v2/a%c0%afb/tags/list", Errc::name_invalid},
        Wrong{"/v2/a%e0%80%afb/tags/list", Errc::name_invalid},
        Wrong{"/v2/%2561/tags/list", Errc::name_invalid}, Wrong{"/v2/a%252Fb/tags/list", Errc::name_invalid},
        Wrong{"/v2/a%/tags/list", Errc::name_invalid}, Wrong{"/v2/a%zz/tags/list", Errc::name_invalid},
        Wrong{"/v2/%2e%2e/tags/list", Errc::name_invalid}, Wrong{"/v2/a%20b/tags/list", Errc::name_invalid},
        Wrong{"/v2/a%0d%0ab/tags/list", Errc::name_invalid}));

INSTANTIATE_TEST_SUITE_P(
    References, WrongRoutes,
    testing::Values(Wrong{"/v2/a/blobs/latest", Errc::digest_invalid},
                    Wrong{"/v2/a/blobs/", Errc::digest_invalid},
                    Wrong{"/v2/a/blobs/sha256:" + std::string(63, 'a'), Errc::digest_invalid},
                    Wrong{"/v2/a/blobs/sha256:" + std::string(64, 'A'), Errc::digest_invalid},
                    Wrong{"/v2/a/referrers/latest", Errc::digest_invalid},
                    Wrong{"/v2/a/blobs/md5:" + std::string(32, 'a'), Errc::digest_unsupported}));

class NoManifests : public testing::TestWithParam<Wrong> {};
TEST_P(NoManifests, AreKnownByTheirRepositoryAndWhy) {
  const auto parsed = parse_route(GetParam().path);
  ASSERT_TRUE(parsed) << parsed.error().message;
  const auto* at = std::get_if<route::NoManifest>(&*parsed);
  ASSERT_NE(at, nullptr) << render(*parsed);
  EXPECT_EQ(at->name.render(), "a");
  EXPECT_EQ(at->why.code, GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    References, NoManifests,
    testing::Values(Wrong{"/v2/a/manifests/", Errc::tag_invalid},
                    Wrong{"/v2/a/manifests/.v1", Errc::tag_invalid},
                    Wrong{"/v2/a/manifests/-v1", Errc::tag_invalid},
                    Wrong{"/v2/a/manifests/v%201", Errc::tag_invalid},
                    Wrong{"/v2/a/manifests/" + std::string(129, 't'), Errc::tag_invalid},
                    Wrong{"/v2/a/manifests/sha256:" + std::string(65, 'a'), Errc::digest_invalid},
                    Wrong{"/v2/a/manifests/md5:" + std::string(32, 'a'), Errc::digest_unsupported}));

INSTANTIATE_TEST_SUITE_P(
    Nothing, WrongRoutes,
    testing::Values(Wrong{"", Errc::not_found}, Wrong{"/v1/", Errc::not_found},
                    Wrong{"/v22/", Errc::not_found}, Wrong{"/V2/", Errc::not_found},
                    Wrong{"//v2/", Errc::not_found}, Wrong{"/v2//", Errc::not_found},
                    Wrong{"/v2/_catalog/", Errc::not_found}, Wrong{"/v2/a", Errc::not_found},
                    Wrong{"/v2/a/b", Errc::not_found}, Wrong{"/v2/a/tags", Errc::not_found},
                    Wrong{"/v2/a/tags/", Errc::not_found}, Wrong{"/v2/a/tags/lists", Errc::not_found},
                    Wrong{"/v2/a/tags/list/", Errc::not_found}, Wrong{"/v2/a/uploads/x", Errc::not_found},
                    Wrong{"/v2/a/blob/uploads/x", Errc::not_found},
                    Wrong{"/v2/a/blobs/uploads/x/y", Errc::not_found}, Wrong{"/token/", Errc::not_found},
                    Wrong{"/loginx", Errc::not_found}, Wrong{"/healthz/", Errc::not_found},
                    Wrong{"/metrics/x", Errc::not_found}));

TEST(RouteName, IsKnownForEveryRoute) {
  EXPECT_EQ(name(route::Base{}), "base");
  EXPECT_EQ(name(route::Catalog{}), "catalog");
  EXPECT_EQ(name(route::Token{}), "token");
  EXPECT_EQ(name(route::LogIn{}), "login");
  EXPECT_EQ(name(route::Management{}), "management");
  EXPECT_EQ(name(route::Health{}), "health");
  EXPECT_EQ(name(route::Ready{}), "ready");
  EXPECT_EQ(name(route::Metrics{}), "metrics");
}

}  // namespace
}  // namespace bulkhead::api
