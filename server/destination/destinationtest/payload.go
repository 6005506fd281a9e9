// SPDX-License-Identifier: MPL-2.0

package destinationtest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// PayloadSchema returns the path of the JSON Schema of what programs are sent.
func PayloadSchema(t testing.TB) string {
	t.Helper()
	return filepath.Join(root(t), "docs", "schemas", "alert-v1.schema.json")
}

var payloadSchema struct {
	once     sync.Once
	compiled *jsonschema.Schema
	err      error
}

// CheckPayload fails the test where what a program is sent is not as the published JSON Schema has it.
func CheckPayload(t testing.TB, body []byte) {
	t.Helper()
	file := PayloadSchema(t)
	payloadSchema.once.Do(func() { payloadSchema.compiled, payloadSchema.err = compile(file) })
	if payloadSchema.err != nil {
		t.Fatal(payloadSchema.err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("the payload is not JSON: %v", err)
	}
	if err := payloadSchema.compiled.Validate(value); err != nil {
		t.Errorf("the payload is not as its schema says: %v\n%.2000s", err, body)
	}
}

func compile(file string) (*jsonschema.Schema, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(file, document); err != nil {
		return nil, err
	}
	return compiler.Compile(file)
}

// Messages returns one message of each kind, by what it is.
func Messages() map[string]*destination.Message {
	return map[string]*destination.Message{
		"alert":      Message(),
		"minimal":    Minimal(),
		"blank":      Blank(),
		"test":       Test(),
		"fallback":   Fallback(),
		"hostile":    Hostile(),
		"overlong":   Overlong(strings.Repeat("x", 10_000)),
		"multi-byte": Overlong(strings.Repeat("é😀", 5_000)),
		"families":   Overlong(strings.Repeat("👨‍👩‍👧‍👦", 1_500)),
		"escaped":    Overlong(strings.Repeat(`&<>"\`, 2_000) + "\x00\n"),
	}
}
