"""The layering check must be able to fail: each rule is broken once."""

import pathlib
import tempfile
import unittest

import layering


class LayeringTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)

    def complaints(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        _, complaints = layering.check(self.root)
        file.unlink()
        return complaints

    def assert_refused(self, path, text, why):
        complaints = self.complaints(path, "// A comment.\n" + text + "\n")
        self.assertEqual(len(complaints), 1, complaints)
        self.assertIn(f"{path}:2: ", complaints[0])
        self.assertIn(why, complaints[0])

    def assert_allowed(self, path, text):
        self.assertEqual(self.complaints(path, text), [])

    def test_against_the_direction(self):
        for path, header in [
            ("server/base/a.h", "server/domain/job.h"),
            ("server/domain/a.h", "server/app/job_manager.h"),
            ("server/domain/a.cc", "server/store/memory.h"),
            ("server/app/a.cc", "server/rpc/convert.h"),
            ("server/app/ports/a.h", "server/transfer/engine.h"),
            ("server/store/sqlite/a.cc", "server/transfer/engine.h"),
            ("server/transfer/a.cc", "server/platform/clock.h"),
            ("server/rpc/a.cc", "server/store/memory.h"),
            ("server/platform/a.cc", "server/rpc/server.h"),
            ("server/receive/a.cc", "server/transfer/engine.h"),
            ("server/rpc/a.cc", "server/receive/receiver.h"),
            ("client/src/a.cc", "server/base/log.h"),
            ("client/cli/a.cc", "server/domain/job.h"),
            ("client/src/a.cc", "client/cli/format.h"),
            ("server/rpc/a.cc", "bits/client.h"),
            ("server/app/a.cc", "server/main.h"),
            ("server/app/a.cc", "tests/support/fake_clock.h"),
        ]:
            with self.subTest(path=path, header=header):
                self.assert_refused(path, f'#include "{header}"', "may not include")

    def test_the_world(self):
        for path, header, why in [
            ("server/base/a.h", "google/protobuf/message.h", "protobuf"),
            ("server/domain/a.h", "bits/v1/job.pb.h", "protobuf"),
            ("server/domain/a.h", "grpcpp/grpcpp.h", "gRPC"),
            ("server/domain/a.h", "curl/curl.h", "libcurl"),
            ("server/receive/a.cc", "curl/curl.h", "libcurl"),
            ("server/transfer/a.cc", "boost/asio.hpp", "Boost"),
            ("server/domain/a.h", "sqlite3.h", "a database"),
            ("server/domain/a.h", "thread", "threads"),
            ("server/domain/a.h", "mutex", "threads"),
            ("server/domain/a.h", "server/base/mutex.h", "threads"),
            ("server/domain/a.h", "absl/time/clock.h", "the clock"),
            ("server/domain/a.h", "ctime", "the clock"),
            ("server/domain/a.h", "fcntl.h", "the system"),
            ("server/domain/a.h", "fstream", "the system"),
            ("server/app/a.h", "bits/v1/job.pb.h", "protobuf"),
            ("server/app/a.h", "grpcpp/server.h", "gRPC"),
            ("server/store/a.h", "bits/v1/job.pb.h", "the API's messages"),
            ("server/transfer/a.h", "sqlite3.h", "a database"),
            ("server/rpc/a.h", "curl/curl.h", "libcurl"),
            ("client/cli/a.cc", "curl/curl.h", "libcurl"),
            ("server/rpc/a.h", "absl/synchronization/mutex.h", "absl::Mutex"),
        ]:
            with self.subTest(path=path, header=header):
                self.assert_refused(path, f"#include <{header}>", why)

    def test_other_spellings(self):
        self.assert_refused("server/domain/a.h", '  #  include "grpcpp/grpcpp.h"', "gRPC")
        self.assert_refused("server/app/a.h", '#include "../rpc/convert.h"', "from the root")

    def test_a_clock_read_in_the_domain(self):
        self.assert_refused("server/domain/a.cc", "auto t = std::chrono::steady_clock::now();",
                            "time is an argument")
        self.assert_allowed("server/app/a.cc", "auto t = std::chrono::steady_clock::now();")

    def test_an_unknown_folder(self):
        self.assertEqual(len(self.complaints("server/odds/a.cc", "")), 1)

    def test_what_is_allowed(self):
        for path, header in [
            ("server/domain/a.cc", "server/domain/job.h"),
            ("server/domain/a.cc", "server/base/strings.h"),
            ("server/domain/a.cc", "absl/time/time.h"),
            ("server/domain/a.cc", "chrono"),
            ("server/app/a.cc", "server/domain/job.h"),
            ("server/app/a.cc", "server/app/ports/clock.h"),
            ("server/store/sqlite/a.cc", "server/app/ports/job_store.h"),
            ("server/store/sqlite/a.cc", "sqlite3.h"),
            ("server/transfer/a.cc", "curl/curl.h"),
            ("server/rpc/a.cc", "bits/v1/job.pb.h"),
            ("server/main.cc", "server/store/memory.h"),
            ("client/src/a.cc", "bits/v1/job_service.grpc.pb.h"),
            ("client/src/a.cc", "client/src/uuid.h"),
            ("client/cli/a.cc", "bits/client.h"),
        ]:
            with self.subTest(path=path, header=header):
                self.assert_allowed(path, f'#include "{header}"')


if __name__ == "__main__":
    unittest.main()
