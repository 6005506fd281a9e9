// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The test's program stands in for plugins as the command itself does.
func TestMain(m *testing.M) {
	if _, ok := replaced(os.Args[0]); ok {
		main()
	}
	os.Exit(m.Run())
}

// The whole program, as small as it can be: real Terraform, the real provider and the real control plane.
func TestBench_MeasuresEveryStep(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "page.md")
	var complaints bytes.Buffer
	o, err := parse([]string{"-quick", "-dir", dir, "-out", page}, &complaints)
	if err != nil {
		t.Fatal(err, complaints.String())
	}
	made, err := measure(t.Context(), o, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if err := publish(o, made, t.Output()); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"plan to create", "create", "plan that changes nothing", "plan and change all", "plan and destroy all"} {
		if strings.Count(string(raw), "\n| "+what+" | ") != 1 {
			t.Errorf("the page has not one row %q:\n%s", what, raw)
		}
	}
	for _, part := range []string{"\n## 3 resources\n", "\n- Requests of such a plan: 3, a GET for each destination; others: "} {
		if !strings.Contains(string(raw), part) {
			t.Errorf("the page has no %q:\n%s", part, raw)
		}
	}
	if strings.Contains(string(raw), dir) || strings.Contains(string(raw), token) {
		t.Errorf("the page has a path of this machine or a token:\n%s", raw)
	}
	for _, step := range made.sizes[0].steps {
		for i, c := range step.turns[0] {
			checkCost(t, step.name, i, c)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "bench-*")); err != nil || len(left) > 0 {
		t.Errorf("it left %v (%v)", left, err)
	}
}

// checkCost wants a plugin's share in what has a plugin, and nothing that cannot be.
func checkCost(t *testing.T, name string, subject int, c cost) {
	t.Helper()
	builtIn := subject < len(subjects) && subjects[subject].provider == ""
	if c.wall <= 0 || c.cpu <= c.plugin || (c.plugin > 0) == builtIn || (c.starts > 0) == builtIn || (c.memory > 1e6) == builtIn {
		t.Errorf("%s, subject %d: got %+v", name, subject, c)
	}
}

func TestParse_RefusesWhatItCannotMeasure(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"-n 0", "-n 500,", "-n many", "-turns 0", "-parallelism 0", "500"} {
		var complaints bytes.Buffer
		if o, err := parse(strings.Fields(line), &complaints); err == nil || complaints.Len() == 0 {
			t.Errorf("%s: got %+v and complaints %q, want an error", line, o, complaints.String())
		}
	}
}

func TestCounter_WantsEveryDestinationOnce(t *testing.T) {
	t.Parallel()
	const a, b = "GET /v1/destinations/a", "GET /v1/destinations/b"
	for asked, good := range map[string]bool{
		a + "," + b:                           true,
		a + "," + b + ",GET /v1/version":      true,
		a:                                     false,
		a + "," + a:                           false,
		a + "," + b + "," + b:                 false,
		a + ",PUT /v1/destinations/b":         false,
		a + "," + b + ",GET /v1/destinations": false,
		a + "," + b + ",POST /v1/destinations/validate": false,
	} {
		c := &counter{asked: strings.Split(asked, ",")}
		if paths, others, err := c.paths(2); (err == nil) != good {
			t.Errorf("%s: got %v, %v, %v; want it to be good: %t", asked, paths, others, err, good)
		}
	}
}

func TestStep_RatiosAreOfTheSameTurn(t *testing.T) {
	t.Parallel()
	s := step{turns: [][]cost{{{wall: 3}, {wall: 1}}, {{wall: 40}, {wall: 20}}, {{wall: 7}, {wall: 7}}}}
	if got := s.ratio(theirs, wallOf); math.Abs(got-2) > 1e-9 {
		t.Errorf("got %v, want 2", got)
	}
	if got := s.median(ours, wallOf) * 1e9; math.Abs(got-7) > 1e-6 {
		t.Errorf("got a median of %v, want 7", got)
	}
}
