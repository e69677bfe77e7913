#include "oci/manifest.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace bulkhead::oci {
namespace {

using namespace media_type;

const std::string kDigest = "sha256:" + std::string(64, 'a');
const std::string kOtherDigest = "sha256:" + std::string(64, 'b');
const std::string kConfig =
    fmt::format(R"({{"mediaType":"application/x.config","digest":"{}","size":2}})", kDigest);
const std::string kLayer =
    fmt::format(R"({{"mediaType":"application/x.layer","digest":"{}","size":7}})", kOtherDigest);

std::string test_data(std::string_view name) {
  const auto text = read_file(fmt::format("{}/{}", BULKHEAD_TESTDATA, name), 1 << 20);
  return text ? *text : "";
}

Result<Manifest> parse(std::string_view text, std::string_view content_type = "") {
  return parse_manifest(as_bytes(text), content_type);
}

void expect_refused(std::string_view text, std::string_view content_type, Errc code,
                    std::string_view message_part = "") {
  const auto manifest = parse(text, content_type);
  ASSERT_FALSE(manifest) << text;
  EXPECT_EQ(manifest.error().code, code) << text;
  EXPECT_NE(manifest.error().message.find(message_part), std::string::npos) << manifest.error().message;
}

// An image manifest with these fields after schemaVersion and the media type.
std::string image(std::string_view fields) {
  return fmt::format(R"({{"schemaVersion":2,"mediaType":"{}",{}}})", kImageManifest, fields);
}

std::string index(std::string_view fields) {
  return fmt::format(R"({{"schemaVersion":2,"mediaType":"{}",{}}})", kImageIndex, fields);
}

// An image whose only layer is the descriptor `layer`.
std::string image_of(std::string_view layer) {
  return image(fmt::format(R"("config":{},"layers":[{}])", kConfig, layer));
}

std::string layer_with(std::string_view digest, std::string_view size) {
  return fmt::format(R"({{"mediaType":"application/x.layer","digest":"{}","size":{}}})", digest, size);
}

TEST(Manifest, ReadsAnImage) {
  const auto manifest = parse(test_data("image.json"), kImageManifest);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->kind, ManifestKind::manifest);
  EXPECT_EQ(manifest->media_type, kImageManifest);
  EXPECT_EQ(manifest->artifact_type, "application/vnd.oci.image.config.v1+json");
  EXPECT_FALSE(manifest->subject);
  EXPECT_TRUE(manifest->manifests.empty());
  ASSERT_EQ(manifest->blobs.size(), 3u);
  EXPECT_EQ(manifest->blobs[0].digest, Digest::of(Algorithm::sha256, as_bytes("config")));
  EXPECT_EQ(manifest->blobs[0].size, 1471u);
  EXPECT_EQ(manifest->blobs[1].media_type, "application/vnd.oci.image.layer.v1.tar+gzip");
  EXPECT_EQ(manifest->blobs[1].size, 29126484u);
  EXPECT_EQ(manifest->blobs[2].digest, Digest::of(Algorithm::sha512, as_bytes("app")));
  EXPECT_EQ(manifest->annotations, (Annotations{{"org.opencontainers.image.version", "1.4.2"},
                                                {"org.opencontainers.image.description", "Größe: „klein“"}}));
}

TEST(Manifest, ReadsAnIndex) {
  const auto manifest = parse(test_data("index.json"), kImageIndex);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->kind, ManifestKind::index);
  EXPECT_EQ(manifest->artifact_type, "");
  EXPECT_TRUE(manifest->blobs.empty());
  ASSERT_EQ(manifest->manifests.size(), 3u);
  EXPECT_EQ(manifest->manifests[1].digest, Digest::of(Algorithm::sha256, as_bytes("arm64")));
  EXPECT_EQ(manifest->manifests[1].size, 1030u);
  EXPECT_EQ(manifest->manifests[2].media_type, kImageIndex);
}

TEST(Manifest, ReadsAnArtifactWithItsSubject) {
  const auto manifest = parse(test_data("artifact.json"), kImageManifest);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->artifact_type, "application/vnd.example.sbom.v1+json");
  ASSERT_TRUE(manifest->subject);
  EXPECT_EQ(manifest->subject->digest, Digest::of(Algorithm::sha256, as_bytes("amd64")));
  EXPECT_EQ(manifest->subject->size, 1024u);
  EXPECT_EQ(manifest->annotations.at("com.example.created-by"), "scanner");
  // The empty config is a blob like any other, here also the layer.
  ASSERT_EQ(manifest->blobs.size(), 2u);
  EXPECT_EQ(manifest->blobs[0].media_type, "application/vnd.oci.empty.v1+json");
  EXPECT_EQ(manifest->blobs[0], manifest->blobs[1]);
}

TEST(Manifest, ReadsAnEmptyIndexWithItsSubject) {
  const auto manifest = parse(test_data("artifact-index.json"), kImageIndex);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->artifact_type, "application/vnd.example.bundle.v1");
  EXPECT_TRUE(manifest->manifests.empty());
  ASSERT_TRUE(manifest->subject);
  EXPECT_EQ(manifest->subject->digest, Digest::of(Algorithm::sha256, as_bytes("index")));
}

TEST(Manifest, ReadsDockerImagesAndLists) {
  const auto docker_image = parse(test_data("docker-image.json"), kDockerManifest);
  ASSERT_TRUE(docker_image) << docker_image.error().message;
  EXPECT_EQ(docker_image->kind, ManifestKind::manifest);
  EXPECT_EQ(docker_image->media_type, kDockerManifest);
  const auto list = parse(test_data("docker-list.json"), kDockerManifestList);
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->kind, ManifestKind::index);
  EXPECT_EQ(list->manifests.size(), 1u);
}

TEST(Manifest, LeavesOutLayersThatAreNotDistributed) {
  const auto oci = parse(test_data("foreign-layer-image.json"));
  ASSERT_TRUE(oci) << oci.error().message;
  ASSERT_EQ(oci->blobs.size(), 2u);
  EXPECT_EQ(oci->blobs[1].digest, Digest::of(Algorithm::sha256, as_bytes("app")));
  const auto docker = parse(test_data("docker-image.json"));
  ASSERT_EQ(docker->blobs.size(), 2u);
  EXPECT_EQ(docker->blobs[1].digest, Digest::of(Algorithm::sha256, as_bytes("docker layer")));
}

TEST(Manifest, RecognisesLayersThatAreNotDistributedByTheirWholeType) {
  const auto blobs = [](std::string_view type) {
    return parse(image_of(fmt::format(R"({{"mediaType":"{}","digest":"{}","size":7}})", type, kOtherDigest)))
        ->blobs.size();
  };
  for (const std::string prefix : {"application/vnd.oci.image.layer.nondistributable.v1.tar",
                                   "application/vnd.docker.image.rootfs.foreign.diff.tar"}) {
    EXPECT_EQ(blobs(prefix), 1u);
    EXPECT_EQ(blobs(prefix + "+zstd"), 1u);
    EXPECT_EQ(blobs(prefix + ".gzip"), 1u);
    EXPECT_EQ(blobs(prefix + "x"), 2u);
  }
}

TEST(Manifest, ChecksDescriptorsOfLayersThatAreNotDistributed) {
  expect_refused(image_of(R"({"mediaType":"application/vnd.oci.image.layer.nondistributable.v1.tar",)"
                          R"("digest":"sha256:abc","size":7})"),
                 "", Errc::digest_invalid, "layers[0]");
}

TEST(Manifest, TakesItsMediaTypeFromTheHeaderOrTheBody) {
  const std::string without = fmt::format(R"({{"schemaVersion":2,"config":{},"layers":[]}})", kConfig);
  EXPECT_EQ(parse(without, kImageManifest)->media_type, kImageManifest);
  EXPECT_EQ(parse(without, kDockerManifest)->media_type, kDockerManifest);
  EXPECT_EQ(parse(image_of(kLayer), "")->media_type, kImageManifest);
  expect_refused(without, "", Errc::manifest_invalid, kDockerManifestList);
}

TEST(Manifest, DropsParametersOfTheHeader) {
  for (const std::string_view suffix : {"; charset=utf-8", ";charset=utf-8", " ;", "\t"}) {
    const auto manifest = parse(image_of(kLayer), fmt::format(" {}{}", kImageManifest, suffix));
    ASSERT_TRUE(manifest) << manifest.error().message;
    EXPECT_EQ(manifest->media_type, kImageManifest);
  }
}

TEST(Manifest, RefusesOtherMediaTypesAndNamesTheAcceptedOnes) {
  for (const std::string_view type :
       {"application/json", "text/plain", "application/vnd.oci.image.manifest.v2+json",
        "application/vnd.oci.image.manifest.v1+jso", "application/*", "x"}) {
    expect_refused(image_of(kLayer), type, Errc::manifest_invalid, type);
    for (const auto accepted : {kImageManifest, kImageIndex, kDockerManifest, kDockerManifestList}) {
      expect_refused(image_of(kLayer), type, Errc::manifest_invalid, accepted);
    }
  }
  expect_refused(fmt::format(R"({{"schemaVersion":2,"mediaType":"application/json","config":{}}})", kConfig),
                 kImageManifest, Errc::manifest_invalid, "application/json");
}

TEST(Manifest, RefusesABodyThatContradictsTheHeader) {
  expect_refused(image_of(kLayer), kDockerManifest, Errc::manifest_invalid, "differs");
  expect_refused(image_of(kLayer), kImageIndex, Errc::manifest_invalid, "differs");
  expect_refused(index(R"("manifests":[])"), kImageManifest, Errc::manifest_invalid, "differs");
}

TEST(Manifest, RefusesSchema1WithItsOwnMessage) {
  const std::string schema1 = test_data("docker-schema1.json");
  for (const std::string_view type :
       {std::string_view(), kDockerSchema1, kDockerSchema1Signed, kDockerManifest}) {
    expect_refused(schema1, type, Errc::manifest_invalid, "schema 1 is not accepted");
  }
  expect_refused(image_of(kLayer), kDockerSchema1Signed, Errc::manifest_invalid, "schema 1 is not accepted");
  expect_refused(fmt::format(R"({{"schemaVersion":2,"mediaType":"{}"}})", kDockerSchema1), "",
                 Errc::manifest_invalid, "schema 1 is not accepted");
}

TEST(Manifest, RefusesOtherSchemaVersions) {
  for (const std::string_view version :
       {"0", "3", "-2", "2.0", "\"2\"", "null", "[2]", "18446744073709551618"}) {
    expect_refused(fmt::format(R"({{"schemaVersion":{},"config":{},"layers":[]}})", version, kConfig),
                   kImageManifest, Errc::manifest_invalid, "schemaVersion");
  }
  expect_refused(fmt::format(R"({{"config":{},"layers":[]}})", kConfig), kImageManifest,
                 Errc::manifest_invalid, "schemaVersion");
}

TEST(Manifest, RefusesTheFieldsOfTwoKinds) {
  const std::string both = fmt::format(R"("config":{},"layers":[],"manifests":[])", kConfig);
  expect_refused(image(both), "", Errc::manifest_invalid, "must not have manifests");
  expect_refused(index(both), "", Errc::manifest_invalid, "must not have config");
  expect_refused(index(R"("layers":[],"manifests":[])"), "", Errc::manifest_invalid, "must not have layers");
  expect_refused(index(R"("fsLayers":[],"manifests":[])"), "", Errc::manifest_invalid,
                 "must not have fsLayers");
  expect_refused(image(fmt::format(R"("config":{},"fsLayers":[])", kConfig)), "", Errc::manifest_invalid,
                 "must not have fsLayers");
}

TEST(Manifest, RefusesDuplicateKeysAnywhere) {
  expect_refused(image(fmt::format(R"("config":{},"layers":[],"layers":[{}])", kConfig, kLayer)), "",
                 Errc::manifest_invalid, "\"layers\" occurs twice");
  expect_refused(image_of(fmt::format(R"({{"mediaType":"a/b","digest":"{}","digest":"{}","size":1}})",
                                      kDigest, kOtherDigest)),
                 "", Errc::manifest_invalid, "\"digest\" occurs twice");
  expect_refused(image(fmt::format(R"("config":{},"x":{{"y":[{{"z":1,"z":1}}]}})", kConfig)), "",
                 Errc::manifest_invalid, "\"z\" occurs twice");
}

TEST(Manifest, RefusesKeysThatReadersWithoutCaseTakeForFields) {
  for (const std::string_view key : {"Layers", "LAYERS", "manifestS", "layer\u017f", "Config", "MediaType"}) {
    expect_refused(image(fmt::format(R"("config":{},"layers":[],"{}":[])", kConfig, key)), "",
                   Errc::manifest_invalid, "would be read as");
  }
  expect_refused(image_of(fmt::format(R"({{"mediaType":"a/b","digest":"{}","Digest":"{}","size":1}})",
                                      kDigest, kOtherDigest)),
                 "", Errc::manifest_invalid, "would be read as \"digest\"");
}

TEST(Manifest, IgnoresUnknownFields) {
  const auto manifest = parse(image(fmt::format(
      R"("config":{},"layers":[],"history":[{{"deep":[1,2.5,null]}}],"layersExtra":7,"size":"x")", kConfig)));
  EXPECT_TRUE(manifest) << manifest.error().message;
}

TEST(Manifest, NeedsAConfig) {
  expect_refused(image(R"("layers":[])"), "", Errc::manifest_invalid, "config is missing");
  expect_refused(image(R"("config":null,"layers":[])"), "", Errc::manifest_invalid, "config is missing");
  expect_refused(image(R"("config":[],"layers":[])"), "", Errc::manifest_invalid, "config: ");
  expect_refused(image(R"("config":{},"layers":[])"), "", Errc::manifest_invalid, "config: mediaType");
}

TEST(Manifest, MayHaveNoLayers) {
  for (const std::string_view layers : {R"(,"layers":[])", R"(,"layers":null)", ""}) {
    const auto manifest = parse(image(fmt::format(R"("config":{}{})", kConfig, layers)));
    ASSERT_TRUE(manifest) << manifest.error().message;
    EXPECT_EQ(manifest->blobs.size(), 1u);
  }
  for (const std::string_view layers : {"{}", "\"\"", "7", "false"}) {
    expect_refused(image(fmt::format(R"("config":{},"layers":{})", kConfig, layers)), "",
                   Errc::manifest_invalid, "layers is not an array");
  }
}

TEST(Manifest, IndexNeedsManifests) {
  expect_refused(index(R"("annotations":{})"), "", Errc::manifest_invalid, "manifests is missing");
  expect_refused(index(R"("manifests":{})"), "", Errc::manifest_invalid, "manifests is not an array");
  expect_refused(index(R"("manifests":[7])"), "", Errc::manifest_invalid, "manifests[0]");
  EXPECT_TRUE(parse(index(R"("manifests":[])")));
}

TEST(Manifest, RefusesSizesThatAreNoLengths) {
  for (const std::string_view size :
       {"-1", "1.5", "7.0", "1e3", "9223372036854775808", "18446744073709551616", "\"7\"", "null", "[]",
        "-9223372036854775808"}) {
    expect_refused(image_of(layer_with(kDigest, size)), "", Errc::manifest_invalid, "layers[0]: size");
  }
  expect_refused(image_of(layer_with(kDigest, "NaN")), "", Errc::manifest_invalid);
  EXPECT_EQ(parse(image_of(layer_with(kDigest, "9223372036854775807")))->blobs[1].size, 9223372036854775807u);
  EXPECT_EQ(parse(image_of(layer_with(kDigest, "0")))->blobs[1].size, 0u);
}

TEST(Manifest, RefusesBadDigestsAsWhatTheyAre) {
  expect_refused(image_of(layer_with("sha256:abc", "1")), "", Errc::digest_invalid, "layers[0]: ");
  expect_refused(image_of(layer_with("sha256:" + std::string(64, 'A'), "1")), "", Errc::digest_invalid);
  expect_refused(image_of(layer_with("md5:d41d8cd98f00b204e9800998ecf8427e", "1")), "",
                 Errc::digest_unsupported);
  expect_refused(image_of(layer_with("", "1")), "", Errc::manifest_invalid, "digest is missing");
  expect_refused(image_of(R"({"mediaType":"a/b","digest":7,"size":1})"), "", Errc::manifest_invalid,
                 "digest is not a string");
  expect_refused(index(R"("manifests":[],"subject":{"mediaType":"a/b","digest":"x","size":1})"), "",
                 Errc::digest_invalid, "subject: ");
}

TEST(Manifest, SaysWhichDescriptorIsWrong) {
  expect_refused(image_of(kLayer + "," + kLayer + "," + layer_with(kDigest, "-5")), "",
                 Errc::manifest_invalid, "layers[2]: size -5 is negative");
}

TEST(Manifest, RefusesMediaTypesUnfitForAHeader) {
  const auto with_type = [](std::string_view type) {
    return image_of(fmt::format(R"({{"mediaType":{},"digest":"{}","size":1}})", type, kDigest));
  };
  for (const std::string_view type :
       {R"("")", R"("a/b\r\nX: y")", R"("a/\u0000")", "\"\xc3\xa9/b\"", "7", "null"}) {
    expect_refused(with_type(type), "", Errc::manifest_invalid, "layers[0]: mediaType");
  }
  EXPECT_TRUE(parse(with_type('"' + std::string(255, 'x') + '"')));
  expect_refused(with_type('"' + std::string(256, 'x') + '"'), "", Errc::manifest_invalid);
  expect_refused(index(R"("manifests":[],"artifactType":"a\nb")"), "", Errc::manifest_invalid,
                 "artifactType");
  expect_refused(index(R"("manifests":[],"artifactType":7)"), "", Errc::manifest_invalid, "artifactType");
}

TEST(Manifest, ChecksTheTypesOfWhatItKeepsForClients) {
  const auto with = [](std::string_view fields) {
    return image_of(fmt::format(R"({{"mediaType":"a/b","digest":"{}","size":1,{}}})", kDigest, fields));
  };
  EXPECT_TRUE(
      parse(with(R"("urls":["https://x.example/"],"data":"e30=","annotations":{"a":"b"},"platform":{})")));
  EXPECT_TRUE(parse(with(R"("urls":null,"data":null,"annotations":null)")));
  expect_refused(with(R"("urls":"https://x.example/")"), "", Errc::manifest_invalid, "urls");
  expect_refused(with(R"("urls":[7])"), "", Errc::manifest_invalid, "urls");
  expect_refused(with(R"("data":{})"), "", Errc::manifest_invalid, "data");
  expect_refused(with(R"("annotations":{"a":1})"), "", Errc::manifest_invalid, "annotation \"a\"");
  expect_refused(with(R"("annotations":[])"), "", Errc::manifest_invalid, "annotations");
  expect_refused(index(R"("manifests":[],"annotations":{"a":null})"), "", Errc::manifest_invalid,
                 "annotation \"a\"");
}

TEST(Manifest, ArtifactTypeFallsBackToTheConfigsForImagesOnly) {
  EXPECT_EQ(parse(image_of(kLayer))->artifact_type, "application/x.config");
  EXPECT_EQ(parse(image(fmt::format(R"("config":{},"artifactType":"")", kConfig)))->artifact_type,
            "application/x.config");
  EXPECT_EQ(parse(image(fmt::format(R"("config":{},"artifactType":"a/b")", kConfig)))->artifact_type, "a/b");
  EXPECT_EQ(parse(index(R"("manifests":[])"))->artifact_type, "");
}

TEST(Manifest, KeepsDescriptorsOfOneDigestWithDifferentSizes) {
  const auto manifest = parse(image_of(layer_with(kDigest, "1") + "," + layer_with(kDigest, "2")));
  ASSERT_EQ(manifest->blobs.size(), 3u);
  EXPECT_EQ(manifest->blobs[1].size, 1u);
  EXPECT_EQ(manifest->blobs[2].size, 2u);
}

TEST(Manifest, RefusesWhatIsNotAJsonObject) {
  for (const std::string_view text : {"", "[]", "null", "7", "{", "{} {}", "\xff", "{\"a\":\"\xff\"}"}) {
    expect_refused(text, kImageManifest, Errc::manifest_invalid);
  }
}

}  // namespace
}  // namespace bulkhead::oci
