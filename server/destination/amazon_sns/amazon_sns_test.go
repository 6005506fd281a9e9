// SPDX-License-Identifier: MPL-2.0

package amazonsns_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon/amazontest"
	amazonsns "github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon_sns"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/shrink"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

type config = amazontest.Config

const (
	standard = "arn:aws:sns:us-east-1:123456789012:alerts"
	fifo     = "arn:aws:sns:us-east-1:123456789012:alerts.fifo"
)

// send sends messages to a topic of the stand-in, which must take them, and returns the calls.
func send(t *testing.T, aws *amazontest.AWS, c config, messages ...*destination.Message) []amazontest.Call {
	t.Helper()
	sender := amazontest.Open(t, amazonsns.Type, amazontest.Keys().And(c).At(aws))
	before := len(aws.Calls("Publish"))
	for _, m := range messages {
		if receipt, err := sender.Send(t.Context(), m); err != nil {
			t.Fatalf("%.60q: %v: %s", m.Alert.Detection.ID, err, receipt.Message)
		}
	}
	return aws.Calls("Publish")[before:]
}

// texts reads a message of the structure json.
func texts(t *testing.T, call amazontest.Call) map[string]string {
	t.Helper()
	var all map[string]string
	if err := json.Unmarshal([]byte(call.Values["Message"]), &all); err != nil {
		t.Fatalf("the message is not JSON: %v", err)
	}
	destinationtest.CheckPayload(t, []byte(all["default"]))
	return all
}

// attributes reads the attributes of a call.
func attributes(call amazontest.Call) map[string]string {
	all := map[string]string{}
	for i := 1; ; i++ {
		prefix := fmt.Sprintf("MessageAttributes.entry.%d.", i)
		name, ok := call.Values[prefix+"Name"]
		if !ok {
			return all
		}
		all[name] = call.Values[prefix+"Value.DataType"] + " " + call.Values[prefix+"Value.StringValue"]
	}
}

// size is what SNS counts of a call.
func size(call amazontest.Call) int {
	n := len(call.Values["Message"])
	for name, value := range attributes(call) {
		n += len(name) + len(value) - 1
	}
	return n
}

func TestSend_TellsPeopleAndPrograms(t *testing.T) {
	t.Parallel()
	call := send(t, amazontest.New(t), config{"topic_arn": standard}, destinationtest.Message())[0]
	all := texts(t, call)
	var alert map[string]any
	if err := json.Unmarshal([]byte(all["default"]), &alert); err != nil || alert["severity"] != "HIGH" || alert["isTest"] != false {
		t.Errorf("programs get %s", all["default"])
	}
	for _, want := range []string{
		"HIGH: Root login to 123456789012 from 198.51.100.7 without MFA\n", "\nThe root account was used to sign in.\n",
		"\nRunbook: https://runbooks.example.com/aws/root-login?from=alert&v=2\n",
		"\nOpen the alert: https://alerts.example.com/alerts/b4b3f0d2c1e04f6f\n", "\nDetection: AWS.Console.RootLogin\n",
	} {
		if !strings.Contains(all["email"], want) {
			t.Errorf("the e-mail is %q, want %q in it", all["email"], want)
		}
	}
	if want := "HIGH: Root login to 123456789012 from 198.51.100.7 without MFA\nhttps://alerts.example.com/alerts/b4b3f0d2c1e04f6f"; all["sms"] != want {
		t.Errorf("the text message is %q, want %q", all["sms"], want)
	}
	want := map[string]string{
		"severity": "String HIGH", "type": "String RULE", "detectionId": "String AWS.Console.RootLogin", "logTypes": `String.Array ["AWS.CloudTrail"]`,
		"deliveryId": "String 0199a1b2c3d47e5f8a9b0c1d2e3f40510001",
	}
	if got := attributes(call); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the attributes are %v, want %v", got, want)
	}
	for _, absent := range []string{"MessageGroupId", "MessageDeduplicationId"} {
		if value, has := call.Values[absent]; has {
			t.Errorf("a standard topic got %s %q", absent, value)
		}
	}
}

func TestSend_TellsProgramsOnlyWhereAsked(t *testing.T) {
	t.Parallel()
	aws := amazontest.New(t)
	for _, c := range []config{
		{"topic_arn": standard, "message_structure": "string"},
		{"topic_arn": fifo}, // to which only queues subscribe
	} {
		call := send(t, aws, c, destinationtest.Message())[0]
		var alert map[string]any
		if err := json.Unmarshal([]byte(call.Values["Message"]), &alert); err != nil || alert["id"] != "AWS.Console.RootLogin" {
			t.Errorf("%v: got %s", c, call.Values["Message"])
		}
		if got, has := call.Values["MessageStructure"]; has {
			t.Errorf("%v: got the structure %q", c, got)
		}
	}
}

func TestSend_KeepsTheIDsOfADelivery(t *testing.T) {
	t.Parallel()
	aws := amazontest.New(t)
	sender := amazontest.Open(t, amazonsns.Type, amazontest.Keys().And(config{"topic_arn": fifo}).At(aws))
	aws.NextRaw(amazontest.HangUp)
	m := destinationtest.Message()
	if _, err := sender.Send(t.Context(), m); err == nil {
		t.Fatal("got no error where the answer was lost")
	}
	m.Attempt, m.Again = 2, true
	first, err := sender.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	again, err := sender.Send(t.Context(), m)
	if err != nil || again.ExternalID != first.ExternalID {
		t.Errorf("a repeat made %q beside %q (error %v)", again.ExternalID, first.ExternalID, err)
	}
	other := destinationtest.Message()
	other.DeliveryID = "another delivery of the same alert"
	if last, err := sender.Send(t.Context(), other); err != nil || last.ExternalID == first.ExternalID {
		t.Errorf("another delivery made %q (error %v)", last.ExternalID, err)
	}
	calls := aws.Calls("Publish")
	for _, c := range calls[:3] {
		if c.Values["MessageDeduplicationId"] != m.DeliveryID || c.Values["MessageGroupId"] != "AWS.Console.RootLogin" {
			t.Errorf("got the ids %q and %q", c.Values["MessageDeduplicationId"], c.Values["MessageGroupId"])
		}
	}
	if id := calls[3].Values["MessageDeduplicationId"]; !legal(id) {
		t.Errorf("got the id %q, which SNS does not take", id)
	}
}

// legal reports whether SNS takes an id.
func legal(id string) bool {
	return id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}

func TestSend_MakesIDsOfWhateverThereIs(t *testing.T) {
	t.Parallel()
	aws := amazontest.New(t)
	seen := map[string]bool{}
	for _, id := range []string{
		"", " ", "a b", "a_b", "é", "ü", "日本語", "\x00", "new\nline", strings.Repeat("x", 128), strings.Repeat("x", 129), strings.Repeat("x", 130), strings.Repeat("😀", 50),
	} {
		m := destinationtest.Message()
		m.Alert.Detection.ID, m.DeliveryID = id, ""
		call := send(t, aws, config{"topic_arn": fifo}, m)[0]
		group := call.Values["MessageGroupId"]
		if !legal(group) || seen[group] || !legal(call.Values["MessageDeduplicationId"]) {
			t.Errorf("detection %q: got the group %q and the id %q, want legal ones, the group another than before", id, group, call.Values["MessageDeduplicationId"])
		}
		seen[group] = true
		if _, has := attributes(call)["deliveryId"]; has {
			t.Error("a message without a delivery has an attribute of one")
		}
	}
	for _, topic := range []string{standard, fifo} {
		call := send(t, aws, config{"topic_arn": topic, "message_group_id": "tenant-1"}, destinationtest.Message())[0]
		if got := call.Values["MessageGroupId"]; got != "tenant-1" {
			t.Errorf("%s: got the group %q", topic, got)
		}
	}
}

func TestSend_StaysWithinTheLimit(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]string{
		"ASCII": "x", "four bytes": "😀", "quotes": `"`, "backslashes": `\`, "lines": "\n", "control": "\x00", "noncharacters": "\uffff", "families": "👨‍👩‍👧‍👦",
		"invalid": "\xff",
	} {
		for _, limit := range []int{16 << 10, 256 << 10, 1 << 20} {
			for _, structure := range []string{"json", "string"} {
				t.Run(fmt.Sprintf("%s %d %s", name, limit, structure), func(t *testing.T) {
					t.Parallel()
					aws := amazontest.New(t)
					aws.Limit = limit
					long, _ := json.Marshal(map[string]string{"text": strings.Repeat(fill, 2*limit/len(fill))})
					m := destinationtest.Message()
					m.Alert.Context = long
					m.Alert.Generated.Description = new(strings.Repeat(fill, 1_000))
					sender := amazontest.Open(t, amazonsns.Type, amazontest.Keys().And(config{
						"topic_arn": standard, "max_message_bytes": limit, "message_structure": structure,
					}).At(aws))
					receipt, err := sender.Send(t.Context(), m)
					if err != nil || !receipt.Truncated {
						t.Fatalf("got %+v, error %v; want a message that was cut", receipt, err)
					}
					call := aws.Calls("Publish")[0]
					if n := size(call); n > limit {
						t.Errorf("got %d bytes, want at most %d", n, limit)
					}
					checkText(t, call, structure)
				})
			}
		}
	}
}

func checkText(t *testing.T, call amazontest.Call, structure string) {
	t.Helper()
	all := map[string]string{"default": call.Values["Message"]}
	if structure == "json" {
		all = texts(t, call)
	}
	destinationtest.CheckPayload(t, []byte(all["default"]))
	for kind, text := range all {
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\uffff\ufffe") || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' && r != '\r' }) {
			t.Errorf("%s has characters that a queue does not take", kind)
		}
	}
}

func TestSend_UsesAllOfTheLimit(t *testing.T) {
	t.Parallel()
	long, _ := json.Marshal(map[string]string{"text": strings.Repeat("x", 200_000)})
	m := destinationtest.Message()
	m.Alert.Context = long
	aws := amazontest.New(t)
	aws.Limit = 256 << 10
	sender := amazontest.Open(t, amazonsns.Type, amazontest.Keys().And(config{"topic_arn": standard}).At(aws))
	receipt, err := sender.Send(t.Context(), m)
	if err != nil || receipt.Truncated {
		t.Errorf("got %+v, error %v; want 200,000 bytes to fit into 256 KiB", receipt, err)
	}
}

// TestSend_ToATopicThatTakesLess has a topic whose MaximumMessageSize is lower than the config says.
func TestSend_ToATopicThatTakesLess(t *testing.T) {
	t.Parallel()
	for _, structure := range []string{"json", "string"} {
		aws := amazontest.New(t)
		aws.Limit = 100_000
		sender := amazontest.Open(t, amazonsns.Type, amazontest.Keys().And(config{"topic_arn": standard, "message_structure": structure}).At(aws))
		receipt, err := shrink.Send(t.Context(), sender, destinationtest.Large(200_000))
		calls := aws.Calls("Publish")
		if err != nil || !receipt.Truncated || receipt.ExternalID == "" || len(calls) != 2 {
			t.Fatalf("%s: got %+v (error %v) after %d calls, want the second to be taken", structure, receipt, err, len(calls))
		}
		checkText(t, calls[1], structure)
		aws.Limit = 1 << 20
		aws.Next(amazontest.Fault{Status: 413, Code: "RequestEntityTooLarge"})
		if receipt, err := shrink.Send(t.Context(), sender, destinationtest.Large(200_000)); err != nil || !receipt.Truncated {
			t.Errorf("%s: got %+v (error %v) after a 413, want it to be sent again", structure, receipt, err)
		}
	}
}

func TestSend_KeepsTheSubjectSafe(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		"Root login":                 "[HIGH] Root login",
		"line\r\nbreak\x00 and\ttab": "[HIGH] line break? and tab",
		"Café “naïve” – done… Ａ":     `[HIGH] Cafe "naive" - done... A`,
		"🔴 critical 👨‍👩‍👧":           "[HIGH] critical",
		"ログイン root":                  "[HIGH] ? root",
		"日本語":                        "[HIGH] Root console login", // nothing of it is left: the name
		"\u202egpj.exe":              "[HIGH] ?gpj.exe",
		strings.Repeat("x", 92):      "[HIGH] " + strings.Repeat("x", 92),
		strings.Repeat("x", 93):      "[HIGH] " + strings.Repeat("x", 89) + "...",
		strings.Repeat("é", 10_000):  "[HIGH] " + strings.Repeat("e", 89) + "...",
	} {
		m := destinationtest.Message()
		m.Alert.Generated.Title = &title
		call := send(t, amazontest.New(t), config{"topic_arn": standard}, m)[0]
		if got := call.Values["Subject"]; got != want || len(got) > 99 {
			t.Errorf("%.60q: got %q, want %q", title, got, want)
		}
	}
	m := destinationtest.Message()
	m.Alert.Generated.Title, m.Alert.Detection.Name, m.Alert.Detection.ID, m.Test = new("日本"), "日本", "日本", true
	if got, want := send(t, amazontest.New(t), config{"topic_arn": standard}, m)[0].Values["Subject"], "[HIGH] [TEST] Alert b4b3f0d2c1e04f6f"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSend_HasNoEmptyAttribute(t *testing.T) {
	t.Parallel()
	m := destinationtest.Blank()
	m.DeliveryID = ""
	call := send(t, amazontest.New(t), config{"topic_arn": standard}, m)[0]
	if got, want := fmt.Sprint(attributes(call)), "map[severity:String HIGH type:String RULE]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	m = destinationtest.Fallback()
	m.Alert.LogTypes = slices.Repeat([]string{"AWS.CloudTrail", "", "é\"\x00\uffff"}, 1_000)
	m.Alert.Detection.ID = strings.Repeat("😀", 10_000)
	got := attributes(send(t, amazontest.New(t), config{"topic_arn": standard}, m)[0])
	if got["fallbackOf"] != "String SOC <on-call> & co" || len(got["detectionId"]) > 2100 || !utf8.ValidString(got["detectionId"]) {
		t.Errorf("got %q and %.40q", got["fallbackOf"], got["detectionId"])
	}
	var logTypes []string
	if err := json.Unmarshal([]byte(strings.TrimPrefix(got["logTypes"], "String.Array ")), &logTypes); err != nil || len(logTypes) < 100 || logTypes[1] != "é\"\ufffd\ufffd" {
		t.Errorf("got the log types %.80q (error %v)", got["logTypes"], err)
	}
}

func TestRender_IsWhatIsSent(t *testing.T) {
	t.Parallel()
	for _, topic := range []string{standard, fifo} {
		aws := amazontest.New(t)
		c := config{"topic_arn": topic, "message_group_id": "g"}
		call := send(t, aws, c, destinationtest.Fallback())[0]
		rendering, err := amazontest.Open(t, amazonsns.Type, amazontest.Keys().And(c)).Render(destinationtest.Fallback())
		if err != nil {
			t.Fatal(err)
		}
		var parts map[string]any
		if err := json.Unmarshal(rendering.Body, &parts); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Message", "Subject", "TopicArn", "MessageStructure", "MessageGroupId", "MessageDeduplicationId"} {
			if got, _ := parts[name].(string); got != call.Values[name] {
				t.Errorf("%s: the rendering has %q, sent was %q", name, got, call.Values[name])
			}
		}
		rendered, _ := parts["MessageAttributes"].(map[string]any)
		for name, want := range attributes(call) {
			if got := fmt.Sprint(rendered[name]); got != "map[DataType:"+strings.Replace(want, " ", " StringValue:", 1)+"]" {
				t.Errorf("attribute %s: the rendering has %s, sent was %q", name, got, want)
			}
		}
	}
}

func TestSend_WhateverThereIsIsTaken(t *testing.T) {
	t.Parallel()
	aws := amazontest.New(t)
	aws.Limit = 256 << 10
	for _, structure := range []string{"json", "string"} {
		for _, m := range destinationtest.Messages() {
			checkText(t, send(t, aws, config{"topic_arn": standard, "message_structure": structure}, m)[0], structure)
		}
	}
}

func TestSend_TheCorpusIsTaken(t *testing.T) {
	t.Parallel()
	aws := amazontest.New(t)
	aws.Limit = 256 << 10
	messages := destinationtest.Corpus(t)
	for _, call := range send(t, aws, config{"topic_arn": standard}, messages...) {
		texts(t, call)
	}
}

func TestConfig_ReportsEveryWrongField(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][]string{
		`{"topic_arn":"` + standard + `"}`: nil,
		`{}`:                               {"/topic_arn"},
		`{"topic_arn":"alerts"}`:           {"/topic_arn"},
		`{"topic_arn":"alerts","region":"here","access_key_id":"AKIA"}`:                          {"/region", "/secret_access_key", "/topic_arn"},
		`{"topic_arn":"` + standard + `","message_structure":"xml"}`:                             {"/message_structure"},
		`{"topic_arn":"` + standard + `","message_structure":"string"}`:                          nil,
		`{"topic_arn":"` + standard + `","message_group_id":"a b"}`:                              {"/message_group_id"},
		`{"topic_arn":"` + standard + `","message_group_id":"` + strings.Repeat("x", 129) + `"}`: {"/message_group_id"},
		`{"topic_arn":"` + fifo + `","message_group_id":"!~"}`:                                   nil,
		`{"topic_arn":"` + standard + `","max_message_bytes":16383}`:                             {"/max_message_bytes"},
		`{"topic_arn":"` + standard + `","max_message_bytes":1048577}`:                           {"/max_message_bytes"},
		`{"topic_arn":"` + standard + `","max_message_bytes":1048576}`:                           nil,
		`{"topic_arn":"` + standard + `","subject":"x"}`:                                         {"/subject"},
	} {
		_, _, err := amazonsns.Type.Split(json.RawMessage(raw), nil)
		var got []string
		for _, f := range problem.FieldsOf(err) {
			got = append(got, f.Name)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%.120s: got %v (error %v), want %v", raw, got, err, want)
		}
	}
}
