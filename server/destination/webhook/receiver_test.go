// SPDX-License-Identifier: MPL-2.0

package webhook_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/webhook"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// receivers run the code of docs/operations/payload.md: what goes around it, and how to run the file. It gets the secret,
// the headers as JSON and the file with the body, and prints the id.
var receivers = []struct {
	language, program, file, before, after string
	args                                   []string
}{
	{
		"python", "python3", "receiver.py", "",
		"\nimport json, sys\nprint(verify(sys.argv[1], json.loads(sys.argv[2]), open(sys.argv[3], 'rb').read()), end='')\n", nil,
	},
	{
		"javascript", "node", "receiver.mjs", "import { readFileSync } from 'node:fs';\n",
		"\nconst [secret, headers, body] = process.argv.slice(2);\nprocess.stdout.write(verify(secret, JSON.parse(headers), readFileSync(body)));\n", nil,
	},
	{
		"go", "go", "receiver.go",
		"package main\n\nimport (\n\"crypto/hmac\"\n\"crypto/sha256\"\n\"encoding/base64\"\n\"encoding/json\"\n\"errors\"\n\"fmt\"\n\"net/http\"\n\"os\"\n\"strconv\"\n\"strings\"\n\"time\"\n)\n",
		"\nfunc main() {\nheader, given := http.Header{}, map[string]string{}\n_ = json.Unmarshal([]byte(os.Args[2]), &given)\nfor k, v := range given {\nheader.Set(k, v)\n}\n" +
			"body, _ := os.ReadFile(os.Args[3])\nid, err := verify(os.Args[1], header, body)\nif err != nil {\npanic(err)\n}\nfmt.Print(id)\n}\n",
		[]string{"run"},
	},
}

func TestPage_CodeOfReceiversTellsWhatIsGenuine(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/operations/payload.md")
	if err != nil {
		t.Fatal(err)
	}
	header, body := sentAt(t, webhook.Config{SigningSecret: secret.New(signingSecret)}, destinationtest.Hostile(), time.Now())
	late, _ := sentAt(t, webhook.Config{SigningSecret: secret.New(signingSecret)}, destinationtest.Hostile(), time.Now().Add(-time.Hour))
	for _, r := range receivers {
		t.Run(r.language, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(r.program); err != nil {
				t.Skipf("SKIPPED: %s is not here, so the code for it is not run", r.program)
			}
			dir := t.TempDir()
			_, code, _ := strings.Cut(string(page), "```"+r.language+"\n")
			code, _, found := strings.Cut(code, "\n```\n")
			if !found {
				t.Fatalf("the page has no code in %s", r.language)
			}
			write(t, filepath.Join(dir, r.file), r.before+code+r.after)
			verify := func(header http.Header, body string) (string, error) {
				file := filepath.Join(dir, "body"+strconv.Itoa(len(body)))
				write(t, file, body)
				members := map[string]string{}
				for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
					members[name] = header.Get(name)
				}
				headers, err := json.Marshal(members)
				if err != nil {
					t.Fatal(err)
				}
				out, err := exec.CommandContext(t.Context(), r.program, append(r.args, filepath.Join(dir, r.file), signingSecret, string(headers), file)...).Output()
				return string(out), err
			}
			if id, err := verify(header, string(body)); err != nil || id != header.Get("webhook-id") {
				t.Fatalf("a genuine request: got %q, %v, want %s", id, err, header.Get("webhook-id"))
			}
			two := header.Clone()
			two.Set("webhook-signature", "v1,AAAA v1a,BBBB "+header.Get("webhook-signature"))
			if id, err := verify(two, string(body)); err != nil || id != header.Get("webhook-id") {
				t.Errorf("one with more signatures: got %q, %v", id, err)
			}
			for name, forged := range map[string]struct {
				header http.Header
				body   string
			}{
				"another body": {header, string(body) + " "}, "another time": {late, string(body)},
			} {
				if id, err := verify(forged.header, forged.body); err == nil {
					t.Errorf("%s: got %q, want it refused", name, id)
				}
			}
		})
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
