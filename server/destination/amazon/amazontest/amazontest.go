// SPDX-License-Identifier: MPL-2.0

// Package amazontest is a stand-in for AWS in tests: SNS and STS over the Query protocol, SQS over AWS JSON 1.0, with
// signatures that are checked, and errors as the services write them.
//
//	amazontest.go   AWS: the server, keys, and what it is told to answer
//	sign.go         who called: the signature
//	sns.go          Publish
//	sqs.go          SendMessage
//	sts.go          AssumeRole
package amazontest

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The keys of a user that the stand-in knows from the start, and the id it gives every request.
const (
	KeyID     = "AKIAIOSFODNN7EXAMPLE"
	Secret    = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	RequestID = "f187a3c1-376f-11df-8963-01868b7c937a"
)

// AWS is the stand-in. Its fields may be changed before the first call.
type AWS struct {
	URL   string
	Limit int // the MaximumMessageSize of its topics and queues, in bytes
	Roles map[string]Role

	t       testing.TB
	mu      sync.Mutex
	keys    map[string]Key
	calls   []Call
	answers []func(http.ResponseWriter)
	made    map[string]string // message ids by deduplication id
}

// Key is what a key id stands for.
type Key struct {
	Secret  string
	Token   string
	Expires time.Time // zero: never
}

// Call is what the stand-in was asked.
type Call struct {
	Action  string
	Header  http.Header
	KeyID   string            // of who signed
	Scope   string            // region/service
	Values  map[string]string // of the Query protocol
	Message Message           // of AWS JSON
}

// Fault is an error as AWS answers it.
type Fault struct {
	Status  int
	Code    string // of the Query protocol
	Shape   string // of AWS JSON, where it is another
	Message string
	Header  map[string]string
}

// New starts a stand-in.
func New(t testing.TB) *AWS {
	t.Helper()
	a := &AWS{t: t, Limit: 1 << 20, Roles: map[string]Role{}, keys: map[string]Key{KeyID: {Secret: Secret}}, made: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(server.Close)
	a.URL = server.URL
	return a
}

// Next has the stand-in answer the next call that has no answer yet with a fault.
func (a *AWS) Next(faults ...Fault) {
	for _, f := range faults {
		a.NextRaw(func(w http.ResponseWriter, isJSON bool) { f.write(w, isJSON) })
	}
}

// NextRaw has the next call answered by a function.
func (a *AWS) NextRaw(answer func(w http.ResponseWriter, isJSON bool)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers = append(a.answers, func(w http.ResponseWriter) {
		_, isJSON := w.(jsonWriter)
		answer(w, isJSON)
	})
}

// jsonWriter marks the answer to a call in AWS JSON.
type jsonWriter struct{ http.ResponseWriter }

// HangUp is an answer that never comes.
func HangUp(w http.ResponseWriter, _ bool) {
	if j, ok := w.(jsonWriter); ok {
		w = j.ResponseWriter
	}
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.Close()
}

// Replace makes another key of a key id; without a secret it is no key any more.
func (a *AWS) Replace(id string, key Key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys[id] = key
	if key.Secret == "" {
		delete(a.keys, id)
	}
}

// Calls returns what the stand-in was asked, the first call first; of one action, or of all when it is "".
func (a *AWS) Calls(action string) []Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(a.calls), func(c Call) bool { return action != "" && c.Action != action })
}

func (a *AWS) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Errorf("the request broke off: %v", err)
	}
	call := Call{Header: r.Header, Values: map[string]string{}}
	switch r.Header.Get("Content-Type") {
	case "application/x-amz-json-1.0":
		w = jsonWriter{w}
		call.Action = strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
		if err := json.Unmarshal(body, &call.Message); err != nil {
			a.t.Errorf("the body is not JSON: %v", err)
		}
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			a.t.Errorf("the body is not a form: %v", err)
		}
		for name := range form {
			call.Values[name] = form.Get(name)
		}
		call.Action = form.Get("Action")
	default:
		a.t.Errorf("got a request of type %q", r.Header.Get("Content-Type"))
	}
	var fault *Fault
	call.KeyID, call.Scope, fault = a.identify(r, body)
	a.mu.Lock()
	a.calls = append(a.calls, call)
	var scripted func(http.ResponseWriter)
	if len(a.answers) > 0 {
		scripted, a.answers = a.answers[0], a.answers[1:]
	}
	a.mu.Unlock()
	w.Header().Set("X-Amzn-Requestid", RequestID)
	_, isJSON := w.(jsonWriter)
	switch {
	case scripted != nil:
		scripted(w)
	case fault != nil:
		fault.write(w, isJSON)
	default:
		a.answer(w, call)
	}
}

func (a *AWS) answer(w http.ResponseWriter, call Call) {
	switch call.Action {
	case "Publish":
		a.publish(w, call)
	case "SendMessage":
		a.sendMessage(w, call.Message)
	case "AssumeRole":
		a.assumeRole(w, call)
	default:
		a.t.Errorf("got the action %q", call.Action)
	}
}

// write answers with the fault: https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html, and for JSON
// https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html with the header of services that once spoke Query.
func (f Fault) write(w http.ResponseWriter, isJSON bool) {
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	kind := "Sender"
	if f.Status >= 500 {
		kind = "Receiver"
	}
	if isJSON {
		shape := f.Shape
		if shape == "" {
			shape = f.Code
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Header().Set("X-Amzn-Query-Error", f.Code+";"+kind)
		w.WriteHeader(f.Status)
		writeJSON(w, map[string]string{"__type": "com.amazonaws.sqs#" + shape, "message": f.Message})
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(f.Status)
	writeXML(w, struct {
		XMLName xml.Name `xml:"http://sns.amazonaws.com/doc/2010-03-31/ ErrorResponse"`
		Type    string   `xml:"Error>Type"`
		Code    string   `xml:"Error>Code"`
		Message string   `xml:"Error>Message"`
		ID      string   `xml:"RequestId"`
	}{Type: kind, Code: f.Code, Message: f.Message, ID: RequestID})
}

func writeJSON(w io.Writer, value any) {
	if err := json.NewEncoder(w).Encode(value); err != nil {
		panic(err)
	}
}

func writeXML(w io.Writer, value any) {
	if err := xml.NewEncoder(w).Encode(value); err != nil {
		panic(err)
	}
}
