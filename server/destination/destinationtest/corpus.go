// SPDX-License-Identifier: MPL-2.0

package destinationtest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// Shared returns the path of a file in ../shared beside the repository, which holds test data that is not part of the
// project: real alerts and vendors' contracts. Where it is absent the test is skipped, saying so.
func Shared(t testing.TB, name string) string {
	t.Helper()
	file := filepath.Join(filepath.Dir(root(t)), "shared", name)
	if !exists(file) {
		t.Skipf("SKIPPED: %s is not here, so what it would show is not tested", file)
	}
	return file
}

// root returns the repository's directory.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for !exists(filepath.Join(dir, "go.mod")) {
		if dir == filepath.Dir(dir) {
			t.Fatal("the tests do not run inside the repository")
		}
		dir = filepath.Dir(dir)
	}
	return dir
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// Corpus returns messages for the alerts that public detections raise, one in twenty of them with -short, or skips the test.
func Corpus(t testing.TB) []*destination.Message {
	t.Helper()
	file, err := os.Open(Shared(t, "corpus/panther-analysis.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var messages []*destination.Message
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("record %d of the corpus: %v", len(messages)+1, err)
		}
		messages = append(messages, r.message(len(messages)+1))
	}
	if testing.Short() {
		var few []*destination.Message
		for i := 0; i < len(messages); i += 20 {
			few = append(few, messages[i])
		}
		messages = few
	}
	if err := lines.Err(); err != nil || len(messages) == 0 {
		t.Fatalf("read %d records of the corpus: %v", len(messages), err)
	}
	return messages
}

// WantFewCut sees that of the alerts of [Corpus] hardly any is cut. With -short there are too few to tell.
func WantFewCut(t testing.TB, cut, all int) {
	t.Helper()
	t.Logf("%d of %d real alerts are cut", cut, all)
	if cut > all/20 && !testing.Short() {
		t.Errorf("%d of %d real alerts are cut, want few", cut, all)
	}
}

// record is a line of the corpus; see the README beside it.
type record struct {
	Detection struct {
		alert.Detection
		Type     alert.Type `json:"type"`
		LogTypes []string   `json:"log_types"`
	} `json:"detection"`
	Generated struct {
		alert.Generated
		Dedup string `json:"dedup"`
	} `json:"generated"`
	Context json.RawMessage `json:"context"`
}

func (r record) message(n int) *destination.Message {
	a := &alert.Alert{
		Type:      r.Detection.Type,
		LogTypes:  r.Detection.LogTypes,
		Dedup:     r.Generated.Dedup,
		Detection: r.Detection.Detection,
		Generated: r.Generated.Generated,
		Context:   r.Context,
	}
	effective := a.Detection.Severity
	if a.Generated.Severity != nil {
		effective = *a.Generated.Severity
	}
	return &destination.Message{
		Alert:      a,
		AlertID:    fmt.Sprintf("corpus-%d", n),
		Severity:   alert.Severity(strings.ToUpper(effective)),
		CreatedAt:  time.Date(2026, time.November, 21, 3, 35, 0, 0, time.UTC),
		Link:       fmt.Sprintf("https://alerts.example.com/alerts/corpus-%d", n),
		DeliveryID: fmt.Sprintf("delivery-%d", n),
		Attempt:    1,
	}
}
