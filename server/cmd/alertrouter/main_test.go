// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

var update = flag.Bool("update", false, "rewrite the settings page")

// asProgram makes this test binary be the program itself, so that tests can run, kill and watch the real thing.
const asProgram = "ALERTROUTER_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// command runs a command line in-process and returns the exit code, what it printed and what it complained of.
func command(t *testing.T, input string, args ...string) (int, string, string) {
	t.Helper()
	var out, complaints bytes.Buffer
	code := run(context.Background(), args, streams{strings.NewReader(input), &out, &complaints})
	return code, out.String(), complaints.String()
}

func TestCommands_DoTheDailyWork(t *testing.T) {
	s := servertest.Start(t)
	t.Setenv("ALERTROUTER_ENDPOINT", s.URL)
	t.Setenv("ALERTROUTER_TOKEN", s.Token)
	want := func(code int, contains string, input string, args ...string) string {
		t.Helper()
		got, out, complaints := command(t, input, args...)
		if got != code || !strings.Contains(out+complaints, contains) {
			t.Fatalf("alertrouter %s: got %d %q %q, want %d and %q", strings.Join(args, " "), got, out, complaints, code, contains)
		}
		return out
	}
	file := filepath.Join(t.TempDir(), "alerts.json")
	alerts := "{\"type\":\"RULE\",\n \"detection\":{\"id\":\"d\",\"severity\":\"LOW\"}}\n" + `{"alert_id":"x","type":"RULE","detection":{"id":"d","severity":"LOW"}}{"alert_id":"x","type":"RULE","detection":{"id":"d","severity":"LOW"}}`
	if err := os.WriteFile(file, []byte(alerts), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := want(exitDone, "UNROUTED", "", "alert", "send", file); strings.Count(out, "\n") != 3 || !strings.Contains(out, "REPEATED") {
		t.Errorf("got %q, want a line for each of three alerts, the last repeated", out)
	}
	want(exitFailed, "1 of 2 alerts were refused", `{"type":"NOPE","detection":{"id":"d","severity":"LOW"}} {"type":"RULE","detection":{"id":"d","severity":"LOW"}}`, "alert", "send", "-")
	want(exitDone, `"status":202`, `{"type":"RULE","detection":{"id":"d","severity":"LOW"}}`, "alert", "send", "--output", "json", "-")
	want(exitFailed, "alert 1 is not JSON", `{"type"`, "alert", "send", "-")
	want(exitUsage, "no such file", "", "alert", "send", "/no/such/file")
	want(exitDone, "UNROUTED", `{"type":"RULE","detection":{"id":"d","severity":"LOW"}}`, "route", "preview", "-")
	want(exitFailed, "/detection/severity is required", `{"type":"RULE","detection":{"id":"d"}}`, "route", "preview", "-")
	draft := filepath.Join(t.TempDir(), "draft.json")
	if err := os.WriteFile(draft, []byte("{\"display_name\":\"A\",\"severities\":[],\n\"config\":{\"webhook\":{\"url\":\"https://soar.example.com\"}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(exitDone, `"alertId": "sample",`, "", "destination", "render", "--draft", draft)
	want(exitDone, `"alertId": "x",`, "", "destination", "render", "--draft", draft, "--alert-id", "x")
	one := `{"type":"RULE","detection":{"id":"d","severity":"LOW"},"generated":{"title":"a\u0007\u009bb"},"context":{"n":12345678901234567890,"t":"<"}}`
	if out := want(exitDone, `"n": 12345678901234567890`, one, "destination", "render", "--draft", draft, "--alert", "-"); strings.Contains(out, "\u009b") || !strings.Contains(out, "severity  LOW") {
		t.Errorf("got %q, want no control character, and the severity", out)
	}
	want(exitDone, `"n": 12345678901234567890`, one, "destination", "render", "--draft", draft, "--alert", "-", "--output", "json")
	want(exitFailed, "/alert/type is required", `{"detection":{"id":"d","severity":"LOW"}}`, "destination", "render", "--draft", draft, "--alert", "-")
	want(exitFailed, "There is no such thing", "", "destination", "render", "nobody")
	want(exitUsage, "name a destination", "", "destination", "render")
	want(exitUsage, "is not a JSON object", "[]", "destination", "render", "x", "--alert", "-")
	want(exitUsage, "--alert", "", "destination", "render", "x", "--alert", "-", "--alert-id", "x")
	secret := strings.TrimSpace(want(exitDone, "alertrouter_", "", "token", "create", "engine", "--role", "engine"))
	if out := want(exitDone, "engine", "", "token", "list"); strings.Contains(out, secret) {
		t.Error("token list shows a secret")
	}
	for _, never := range []string{"--expires-in=-1h", "--expires-in=0", "--expires-in=0s"} {
		want(exitUsage, "expires-in", "", "token", "create", "engine", "--role", "engine", never)
	}
	want(exitDone, "alertrouter_", "", "token", "create", "engine", "--role", "engine", "--expires-in=1h")
	want(exitUsage, "--role", "", "token", "create", "nothing")
	want(exitFailed, "There is no such thing", "", "token", "revoke", "none")
	want(exitDone, "ID", "", "deliveries", "list")
	want(exitUsage, "name one delivery", "", "deliveries", "retry")
	want(exitDone, "0 deliveries", "", "deliveries", "retry", "--alert-id", "x")
	want(exitDone, "ready", "", "healthcheck")
	want(exitFailed, "not ready", "", "healthcheck", "--endpoint", "http://127.0.0.1:1")
	want(exitDone, "alertrouter dev", "", "version")
	want(exitDone, "serve", "", "--help")
	want(exitUsage, "unexpected argument", "", "bogus")
	t.Setenv("ALERTROUTER_TOKEN", "wrong")
	want(exitFailed, "401", "", "deliveries", "list")
}

func TestServe_ReadsFlagsThenEnvironmentThenFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "settings.yaml")
	if err := os.WriteFile(file, []byte("listen: 127.0.0.1:1\ndata: "+dir+"\nbacklog_limit: 7\nallow_network: [10.0.0.0/8, 192.0.2.1]\nlog_level: debug\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ALERTROUTER_LISTEN", "127.0.0.1:2")
	var got server.Config
	parse := func(args ...string) {
		t.Helper()
		var c commands
		var complaints bytes.Buffer
		if parsed, _ := parse(context.Background(), args, streams{nil, &complaints, &complaints}, &c); parsed == nil {
			t.Fatal(complaints.String())
		}
		got = c.Serve.Settings
	}
	parse("serve", "--config", file, "--data", "flag")
	if got.Data != "flag" || got.Listen != "127.0.0.1:2" || got.BacklogLimit != 7 || got.LogLevel != "debug" ||
		!reflect.DeepEqual(got.AllowNetworks, []string{"10.0.0.0/8", "192.0.2.1"}) || got.LogFormat != "auto" {
		t.Errorf("got %+v", got)
	}
	if err := os.WriteFile(file, []byte("listne: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, complaints := command(t, "", "serve", "--config", file); code != exitUsage || !strings.Contains(complaints, "listne") {
		t.Errorf("got %d %q, want the wrong key named", code, complaints)
	}
	if code, _, complaints := command(t, "", "serve", "--backlog-limit", "many"); code != exitUsage || !strings.Contains(complaints, "backlog-limit") {
		t.Errorf("got %d %q, want the wrong flag named", code, complaints)
	}
}

func TestServe_RefusesSettingsOfTheWrongForm(t *testing.T) {
	file := filepath.Join(t.TempDir(), "settings.yaml")
	for text, complaint := range map[string]string{
		"data: [a, b]":                       "data must be a single value",
		"data: {a: b}":                       "data must be a single value",
		"backlog_limit: [7]":                 "backlog_limit must be a single value",
		"allow_network: {a: b}":              "allow_network must be a list",
		"allow_network: [[a]]":               "allow_network must be a list",
		"allow_network: [10.0.0.0/8, null]":  "allow_network must be a list",
		"data: {}\nlisten: []":               "listen must be a single value",
		"listne: x\ndata: {}":                "there is no setting listne",
		"- data":                             "cannot unmarshal",
		"data: x\ndata: y":                   "already defined",
		"x: &a [{}, *a]\nallow_network: *a":  "allow_network must be",
		"x: &a [*a]\nallow_network: [1, *a]": "x",
		"log_level: loud":                    "log-level",
		"delivery_max_age: 1 day":            "delivery-max-age",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, complaints := command(t, "", "serve", "--config", file); code != exitUsage || !strings.Contains(complaints, complaint) {
			t.Errorf("%s: got %d %q, want %d and %q", text, code, complaints, exitUsage, complaint)
		}
	}
}

func TestServe_TakesNullSettingsForAbsent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, []byte("data:\nlisten: ~\nbacklog_limit: null\nallow_network:\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var c commands
	var complaints bytes.Buffer
	if parsed, _ := parse(t.Context(), []string{"serve", "--config", file}, streams{nil, &complaints, &complaints}, &c); parsed == nil {
		t.Fatal(complaints.String())
	}
	got := c.Serve.Settings
	if got.Data != "./alertrouter-data" || got.Listen != "127.0.0.1:8080" || got.BacklogLimit != 1_000_000 || got.AllowNetworks != nil {
		t.Errorf("got %+v, want the defaults", got)
	}
}

func TestCommands_OtherThanServeReadNoSettings(t *testing.T) {
	t.Setenv("ALERTROUTER_CONFIG", "/no/such/file")
	if code, out, complaints := command(t, "", "version"); code != exitDone || !strings.Contains(out, "alertrouter") {
		t.Errorf("version: got %d %q %q, want it printed", code, out, complaints)
	}
	if code, _, complaints := command(t, "", "serve"); code != exitUsage || !strings.Contains(complaints, "/no/such/file: no such file") {
		t.Errorf("serve: got %d %q, want the missing file named", code, complaints)
	}
}

// The real program is waiting for its input, which stays open.
func TestCommands_EndAtOnceWhenInterrupted(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"alert", "send", "-"}, {"route", "preview", "-"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], args...)
			cmd.Env = append(os.Environ(), asProgram+"=1")
			var complaints strings.Builder
			cmd.Stderr = &complaints
			input, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// It takes more than a pipe holds only once it reads, and by then it minds signals.
			if _, err := input.Write(bytes.Repeat([]byte(" "), 1<<20)); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
			defer late.Stop()
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != exitFailed || complaints.String() != "alertrouter: interrupted\n" {
				t.Errorf("got %d %q, want %d and that it was interrupted", code, complaints.String(), exitFailed)
			}
		})
	}
}

// The settings page lists what the code has.
func TestSettingsPage_IsFresh(t *testing.T) {
	const path = "../../../docs/operations/settings.md"
	var page strings.Builder
	page.WriteString("# Settings\n\n<!-- Made from server/config.go by `make generate`. DO NOT EDIT. -->\n\n" +
		"`alertrouter serve` reads each setting from its flag, else its environment variable, else its key in the YAML file that\n" +
		"`--config` or `ALERTROUTER_CONFIG` names, else its default. 0 stands for the default.\n\n" +
		"| flag | environment | key in the file | default | meaning |\n|---|---|---|---|---|\n")
	settings := 0
	for f := range reflect.TypeFor[server.Config]().Fields() {
		name := f.Tag.Get("name")
		if name == "" {
			continue
		}
		settings++
		if f.Tag.Get("help") == "" || f.Tag.Get("env") == "" {
			t.Errorf("the setting %s has no help or no environment variable", name)
		}
		byDefault := "none"
		if d := f.Tag.Get("default"); d != "" {
			byDefault = "`" + d + "`"
		}
		fmt.Fprintf(&page, "| `--%s` | `%s` | `%s` | %s | %s |\n", name, f.Tag.Get("env"), strings.ReplaceAll(name, "-", "_"), byDefault, f.Tag.Get("help"))
	}
	page.WriteString("| | `ALERTROUTER_ADMIN_TOKEN` | | made at the first start | The first admin token, taken when the store has no token yet. |\n" +
		"| | `ALERTROUTER_MASTER_KEY` | | made at the first start | The key that seals secrets, 32 bytes in base64. |\n")
	if settings < 10 {
		t.Fatalf("found %d settings", settings)
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != page.String() {
		t.Errorf("the page is stale (%v): run make generate", err)
	}
}
