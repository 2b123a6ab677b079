"""The check of the pages must be able to fail: everything is wrong once."""

import pathlib
import tempfile
import unittest

import docs


class DocsTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        self.write("tests/run.sh", "")
        self.write("CMakePresets.json", '{"configurePresets": [{"name": "dev"}]}')
        self.write("proto/bits/v1/job_service.proto", "service JobService {\n  rpc GetJob(\n}")
        self.write("OTHER.md", "# One `two`: three\n")
        self.program = self.write("program", "#!/bin/sh\necho 'list  lists\n--listen=ADDRESS'\n")
        self.program.chmod(0o755)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def complaints(self, text):
        self.write("README.md", text)
        return docs.Tree(self.root, str(self.program), str(self.program)).check()[1]

    def test_wrong(self):
        for text, complaint in [
            ("[a](MISSING.md)", "no such file: MISSING.md"),
            ("[a](OTHER.md#four)", "no such heading: OTHER.md#four"),
            ("[a](#nowhere)", "no such heading: #nowhere"),
            ("`tests/gone.sh`", "no such path: tests/gone.sh"),
            ("text\n\n    deploy/run.sh URL\n", "no such path: deploy/run.sh"),
            ("```sh\n./tests/run.sh; server/x\n```\n", "no such path: server/x"),
            ("`cmake --preset prod`", "no such preset: prod"),
            ("`grpcurl h bits.v1.JobService/Get`", "no such method: JobService/Get"),
            ("`bits.v1.JobService.Get`", "no such method: JobService/Get"),
            ("`bitsctl lost`", "no such subcommand: bitsctl lost"),
            ("`bitsctl --json lost`", "no such subcommand: bitsctl lost"),
            ("`bitsctl list x --wrong=1`", "no such flag: bitsctl list --wrong"),
            ("`bitsd --listen=x --loud`", "no such flag: bitsd --loud"),
        ]:
            with self.subTest(text=text):
                self.assertEqual(self.complaints(text), ["README.md: " + complaint])

    def test_right(self):
        for text in [
            "[a](OTHER.md) [b](OTHER.md#one-two-three) [c](https://example.com/x)",
            "# Here\n[a](#here)",
            "    tests/run.sh -L unit\n    cmake --preset dev\n",
            "`bits.v1.JobService/GetJob` `bits.v1.Job`",
            "`bitsctl list` `bitsd --listen=x`",
            "`http://host/tests/gone.sh` `/usr/server/x`",
        ]:
            with self.subTest(text=text):
                self.assertEqual(self.complaints(text), [])


if __name__ == "__main__":
    unittest.main()
