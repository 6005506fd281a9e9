// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// scenarios returns the contract's.
func scenarios(t *testing.T) []string {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("../../server/api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, word := range document.Components.Schemas["Scenario"].Value.Enum {
		list = append(list, word.(string))
	}
	if len(list) == 0 {
		t.Fatal("the contract has no scenarios")
	}
	return list
}

// TestDemo runs all of it: examples/quickstart with Terraform, examples/alerts through a real control plane.
func TestDemo(t *testing.T) {
	t.Parallel()
	readSources(t)
	var out, errs bytes.Buffer
	if code := run(t.Context(), nil, &out, &errs); code != 0 {
		t.Fatalf("exit code %d, want 0\n%s%s", code, &errs, &out)
	}
	for _, word := range scenarios(t) {
		if !strings.Contains(out.String(), word) {
			t.Errorf("the demo does not show the scenario %s", word)
		}
	}
	t.Logf("\n%s", &out)
}

// readSources opens what the programs are built from. A child builds them, so go test would otherwise not know that
// its cached result is out of date when one changes.
func readSources(t *testing.T) {
	t.Helper()
	files := 0
	for _, root := range []string{"server", "provider", "client", "examples/quickstart", "main.go", "go.mod"} {
		err := filepath.WalkDir(filepath.Join("../..", root), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			files++
			_, err = os.ReadFile(path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Fatalf("found %d source files; there are more", files)
	}
}

func TestDemo_SaysThatTerraformIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("TF_ACC_TERRAFORM_PATH", "")
	if _, err := findTerraform(t.TempDir()); err == nil || !strings.Contains(err.Error(), "install one of them") {
		t.Errorf("got error %v, want one that says what to do", err)
	}
}

func TestDemo_RefusesUnknownFlags(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-frobnicate"}, &out, &errs); code != 2 || !strings.Contains(errs.String(), "-frobnicate") {
		t.Errorf("got exit code %d and %q, want 2 and the flag's name", code, &errs)
	}
}

// TestReport_FailsAndTellsWhatDidNotHold makes sure that the demo can fail at all.
func TestReport_FailsAndTellsWhatDidNotHold(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := report{out: &out}
	r.expect(true, "one")
	r.addRow(row{alert: "good"})
	r.expect(false, "got %d, want %d", 2, 3)
	r.addRow(row{alert: "bad"})
	r.printTable()
	if err := r.verdict(); err == nil || !strings.Contains(err.Error(), "1 of 2") || !strings.Contains(err.Error(), "got 2, want 3") {
		t.Errorf("got verdict %v, want the one that did not hold", err)
	}
	for line := range strings.Lines(out.String()) {
		if marked := strings.Contains(line, "NOT AS EXPECTED"); marked != strings.HasPrefix(line, "bad") {
			t.Errorf("line %q: marked %t", line, marked)
		}
	}
}

// TestAlerts_AreCompleteAndExpected compares the files with the samples.
func TestAlerts_AreCompleteAndExpected(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../alerts/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no alerts (%v)", err)
	}
	var files, samplesFiles []string
	titles := map[string]bool{}
	for _, path := range paths {
		files = append(files, strings.TrimSuffix(filepath.Base(path), ".json"))
		a := readAlert(t, path)
		if a.Generated == nil || a.Generated.Title == nil || titles[*a.Generated.Title] {
			t.Errorf("%s: the title is missing or not its own; the receiver tells Slack messages by it", path)
			continue
		}
		titles[*a.Generated.Title] = true
	}
	covered := []string{"MANUAL"} // the dispatch, after the samples
	for _, s := range samples {
		samplesFiles = append(samplesFiles, s.file)
		covered = append(covered, string(s.scenario))
		if !slices.IsSorted(s.to) {
			t.Errorf("%s: destinations %q are not sorted", s.file, s.to)
		}
	}
	if !slices.Equal(files, samplesFiles) {
		t.Errorf("examples/alerts has\n%q\nthe demo expects\n%q", files, samplesFiles)
	}
	for _, word := range scenarios(t) {
		if !slices.Contains(covered, word) {
			t.Errorf("no alert is for the scenario %s", word)
		}
	}
}

// readAlert reads an alert as strictly as the API does.
func readAlert(t *testing.T, path string) client.Alert {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var a client.Alert
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&a); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	return a
}
