// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// Alerts are about 1 KB: of the real ones, those between these sizes; the examples are filled up to the middle.
const (
	leastSize  = 512
	mostSize   = 2048
	middleSize = 1024
)

// template is an alert's JSON without its brace at the beginning, alert_id and dedup: a member that makes it distinct
// is put before it.
type template []byte

// readAlerts reads the real alerts, or the examples where there are none, and says which.
func readAlerts(root, corpus string) (alerts []template, source string, err error) {
	if !filepath.IsAbs(corpus) {
		corpus = filepath.Join(root, corpus)
	}
	raw, err := os.ReadFile(corpus)
	if errors.Is(err, fs.ErrNotExist) {
		alerts, err = readExamples(root)
		return alerts, "the examples of this project, filled up", err
	}
	if err != nil {
		return nil, "", err
	}
	alerts, err = readCorpus(raw)
	return alerts, "a corpus of real alerts", err
}

func readCorpus(raw []byte) ([]template, error) {
	var alerts []template
	for line := range bytes.Lines(raw) {
		var r struct {
			Detection, Generated map[string]any
			Context              json.RawMessage
		}
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("read the real alerts: %w", err)
		}
		// A record keeps with the detection and with what it generated what an alert has at its top.
		alert := map[string]any{"type": r.Detection["type"], "log_types": r.Detection["log_types"], "context": r.Context}
		delete(r.Detection, "type")
		delete(r.Detection, "log_types")
		delete(r.Generated, "dedup")
		alert["detection"], alert["generated"] = r.Detection, r.Generated
		t, err := templateOf(alert)
		if err != nil {
			return nil, err
		}
		if len(t) >= leastSize && len(t) <= mostSize {
			alerts = append(alerts, t)
		}
	}
	if len(alerts) == 0 {
		return nil, errors.New("none of the real alerts has the size to be sent")
	}
	return alerts, nil
}

func readExamples(root string) ([]template, error) {
	files, err := filepath.Glob(filepath.Join(root, "examples/alerts/*.json"))
	if err != nil || len(files) == 0 {
		return nil, errors.Join(errors.New("there are no examples of alerts"), err)
	}
	var alerts []template
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var alert map[string]any
		if err := json.Unmarshal(raw, &alert); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		if alert["type"] == "SYSTEM_ERROR" {
			continue // it is routed in a way of its own
		}
		bare, err := templateOf(alert)
		if err != nil {
			return nil, err
		}
		context, _ := alert["context"].(map[string]any)
		if context == nil {
			context = map[string]any{}
		}
		context["filled_up"] = strings.Repeat("x", max(0, middleSize-len(bare)))
		alert["context"] = context
		t, err := templateOf(alert)
		if err != nil {
			return nil, err
		}
		alerts = append(alerts, t)
	}
	return alerts, nil
}

// templateOf takes out what would make an alert one of a kind, and what would keep it from the destinations of a
// measurement.
func templateOf(alert map[string]any) (template, error) {
	delete(alert, "alert_id")
	delete(alert, "dedup")
	for _, part := range []string{"detection", "generated"} {
		if members, ok := alert[part].(map[string]any); ok {
			delete(members, "destinations")
		}
	}
	raw, err := json.Marshal(alert)
	return raw[1:], err
}

// sent is the size of the alert that is made of a template.
func (t template) sent() int { return len(t) + len(`{"alert_id":"",`) + idLength }

// stream makes distinct alerts. It is not safe for concurrent use.
type stream struct {
	alerts []template
	member string // that makes an alert distinct: alert_id, or another one when the server makes the id
	random *rand.Rand
}

func newStream(alerts []template, member string) *stream {
	return &stream{alerts, member, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}
}

// idLength is that of the ids sent: as engines make them, random and in hexadecimal digits.
const idLength = 32

// add appends the next alert to buf. Its id is the idLength bytes after {"<member>":".
func (s *stream) add(buf []byte) []byte {
	var id [idLength / 2]byte
	for i := range id {
		id[i] = byte(s.random.Uint32())
	}
	buf = append(buf, `{"`...)
	buf = append(buf, s.member...)
	buf = append(buf, `":"`...)
	buf = hex.AppendEncode(buf, id[:])
	buf = append(buf, `",`...)
	return append(buf, s.alerts[s.random.IntN(len(s.alerts))]...)
}

// idOf returns the id of the alert that add made.
func (s *stream) idOf(alert []byte) string {
	start := len(`{"`) + len(s.member) + len(`":"`)
	return string(alert[start : start+idLength])
}
