// SPDX-License-Identifier: MPL-2.0

package amazonsqs_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon/amazontest"
	amazonsqs "github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon_sqs"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/shrink"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

type config = amazontest.Config

const (
	standard = "https://sqs.us-east-1.amazonaws.com/123456789012/alerts"
	fifo     = "https://sqs.us-east-1.amazonaws.com/123456789012/alerts.fifo"
)

func open(t *testing.T, aws *amazontest.AWS, c config) destination.Sender {
	t.Helper()
	return amazontest.Open(t, amazonsqs.Type, amazontest.Keys().And(c).At(aws))
}

// send sends messages to a queue of the stand-in, which must take them, and returns them as they arrived.
func send(t *testing.T, aws *amazontest.AWS, c config, messages ...*destination.Message) []amazontest.Message {
	t.Helper()
	sender := open(t, aws, c)
	before := len(aws.Calls(""))
	for _, m := range messages {
		if receipt, err := sender.Send(t.Context(), m); err != nil {
			t.Fatalf("%.60q: %v: %s", m.Alert.Detection.ID, err, receipt.Message)
		}
	}
	var got []amazontest.Message
	for _, call := range aws.Calls("")[before:] {
		got = append(got, call.Message)
	}
	return got
}

// size is what SQS counts of a message.
func size(m amazontest.Message) int {
	n := len(m.MessageBody)
	for name, a := range m.MessageAttributes {
		n += len(name) + len(a.DataType) + len(a.StringValue)
	}
	return n
}

func TestSend_BringsTheAlertAndItsAttributes(t *testing.T) {
	t.Parallel()
	got := send(t, amazontest.New(t), config{"queue_url": standard}, destinationtest.Message())[0]
	var alert map[string]any
	if err := json.Unmarshal([]byte(got.MessageBody), &alert); err != nil || alert["severity"] != "HIGH" || alert["id"] != "AWS.Console.RootLogin" {
		t.Errorf("got the body %s", got.MessageBody)
	}
	want := map[string]amazontest.Attribute{
		"severity": {DataType: "String", StringValue: "HIGH"}, "type": {DataType: "String", StringValue: "RULE"},
		"detectionId": {DataType: "String", StringValue: "AWS.Console.RootLogin"},
		"logTypes":    {DataType: "String.Array", StringValue: `["AWS.CloudTrail"]`},
		"deliveryId":  {DataType: "String", StringValue: "0199a1b2c3d47e5f8a9b0c1d2e3f40510001"},
	}
	if fmt.Sprint(got.MessageAttributes) != fmt.Sprint(want) {
		t.Errorf("got the attributes %v, want %v", got.MessageAttributes, want)
	}
	if got.QueueURL != standard || got.MessageGroupID != "" || got.MessageDeduplicationID != "" || got.DelaySeconds != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestSend_CallsTheQueuesOwnHost(t *testing.T) {
	t.Parallel()
	aws := amazontest.New(t)
	queue := aws.URL + "/123456789012/alerts"
	sender := amazontest.Open(t, amazonsqs.Type, amazontest.Keys().And(config{"queue_url": queue, "region": "eu-west-1"}))
	if _, err := sender.Send(t.Context(), destinationtest.Message()); err != nil {
		t.Fatal(err)
	}
	if c := aws.Calls("SendMessage"); len(c) != 1 || c[0].Message.QueueURL != queue || c[0].Scope != "eu-west-1/sqs" {
		t.Errorf("got %+v", c)
	}
}

func TestSend_DelaysAndGroups(t *testing.T) {
	t.Parallel()
	aws := amazontest.New(t)
	got := send(t, aws, config{"queue_url": standard, "delay_seconds": 900, "message_group_id": "tenant-1"}, destinationtest.Message())[0]
	if got.DelaySeconds != 900 || got.MessageGroupID != "tenant-1" || got.MessageDeduplicationID != "" {
		t.Errorf("got %+v", got)
	}
	got = send(t, aws, config{"queue_url": fifo, "message_group_id": "tenant-1"}, destinationtest.Message())[0]
	if got.MessageGroupID != "tenant-1" || got.MessageDeduplicationID != "0199a1b2c3d47e5f8a9b0c1d2e3f40510001" {
		t.Errorf("got %+v", got)
	}
}

func TestSend_KeepsTheIDsOfADelivery(t *testing.T) {
	t.Parallel()
	aws := amazontest.New(t)
	sender := open(t, aws, config{"queue_url": fifo})
	aws.NextRaw(amazontest.HangUp)
	m := destinationtest.Message()
	_, err := sender.Send(t.Context(), m)
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomeAmbiguous {
		t.Fatalf("the answer was lost: got %s (error %v)", outcome, err)
	}
	m.Attempt, m.Again = 2, true
	first, err := sender.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := sender.Send(t.Context(), m); err != nil || again.ExternalID != first.ExternalID {
		t.Errorf("a repeat made %q beside %q (error %v)", again.ExternalID, first.ExternalID, err)
	}
	other := destinationtest.Message()
	other.DeliveryID = "another"
	if last, err := sender.Send(t.Context(), other); err != nil || last.ExternalID == first.ExternalID {
		t.Errorf("another delivery made %q (error %v)", last.ExternalID, err)
	}
	for _, c := range aws.Calls("")[:3] {
		if c.Message.MessageDeduplicationID != m.DeliveryID || c.Message.MessageGroupID != "AWS.Console.RootLogin" {
			t.Errorf("got the ids %q and %q", c.Message.MessageDeduplicationID, c.Message.MessageGroupID)
		}
	}
}

func TestSend_StaysWithinTheLimit(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]string{
		"ASCII": "x", "four bytes": "😀", "quotes": `"`, "control": "\x00", "noncharacters": "\uffff", "families": "👨‍👩‍👧‍👦", "invalid": "\xff",
	} {
		for _, limit := range []int{16 << 10, 256 << 10, 1 << 20} {
			t.Run(fmt.Sprintf("%s %d", name, limit), func(t *testing.T) {
				t.Parallel()
				aws := amazontest.New(t)
				aws.Limit = limit
				long, _ := json.Marshal(map[string]string{"text": strings.Repeat(fill, 2*limit/len(fill))})
				m := destinationtest.Message()
				m.Alert.Context = long
				m.Alert.Generated.Description = new(strings.Repeat(fill, 1_000))
				receipt, err := open(t, aws, config{"queue_url": standard, "max_message_bytes": limit}).Send(t.Context(), m)
				if err != nil || !receipt.Truncated {
					t.Fatalf("got %+v, error %v; want a message that was cut", receipt, err)
				}
				got := aws.Calls("")
				if n := size(got[0].Message); len(got) != 1 || n > limit {
					t.Errorf("got %d calls and %d bytes, want at most %d at once", len(got), n, limit)
				}
				destinationtest.CheckPayload(t, []byte(got[0].Message.MessageBody))
			})
		}
	}
}

// TestSend_ToAnOlderQueue has a queue that takes less than new ones do: the alert arrives at the same attempt.
func TestSend_ToAnOlderQueue(t *testing.T) {
	t.Parallel()
	aws := amazontest.New(t)
	aws.Limit = 256 << 10
	long, _ := json.Marshal(map[string]string{"text": strings.Repeat("x", 500_000)})
	m := destinationtest.Message()
	m.Alert.Context = long
	receipt, err := shrink.Send(t.Context(), open(t, aws, config{"queue_url": standard}), m)
	if err != nil || !receipt.Truncated || receipt.ExternalID == "" {
		t.Errorf("got %+v, error %v", receipt, err)
	}
	calls := aws.Calls("")
	if len(calls) != 2 || size(calls[0].Message) <= aws.Limit || size(calls[1].Message) > aws.Limit || size(calls[1].Message) < aws.Limit-100 {
		t.Errorf("got %d calls, want a second that is nearly as large as the queue takes", len(calls))
	}
	aws.Limit = 1000 // no queue for alerts
	receipt, err = shrink.Send(t.Context(), open(t, aws, config{"queue_url": standard}), m)
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomePermanent || len(aws.Calls("")) != 4 || !strings.Contains(err.Error(), "max_message_bytes") {
		t.Errorf("got %s, %+v (error %v)", outcome, receipt, err)
	}
}

func TestSend_EscapesWhatAQueueDoesNotTake(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Generated.Title = new("nul\x00 escape\x1b \ufffe\uffff \U0001ffff end")
	m.Alert.Context = json.RawMessage("{\"a\":\"\ufffe\uffff\",\"b\":\"\\u0000\"}")
	m.Alert.Detection.ID = "id\x00\uffff"
	got := send(t, amazontest.New(t), config{"queue_url": standard}, m)[0]
	var alert struct {
		Title        string
		AlertContext map[string]string
	}
	if err := json.Unmarshal([]byte(got.MessageBody), &alert); err != nil {
		t.Fatal(err)
	}
	if alert.Title != *m.Alert.Generated.Title || alert.AlertContext["a"] != "\ufffe\uffff" || alert.AlertContext["b"] != "\x00" {
		t.Errorf("got %+q, want nothing lost", alert)
	}
	if id := got.MessageAttributes["detectionId"].StringValue; id != "id\ufffd\ufffd" {
		t.Errorf("got the attribute %+q", id)
	}
}

func TestSend_HasNoEmptyAttribute(t *testing.T) {
	t.Parallel()
	m := destinationtest.Blank()
	m.DeliveryID = ""
	got := send(t, amazontest.New(t), config{"queue_url": standard}, m)[0]
	if want := "map[severity:{String HIGH} type:{String RULE}]"; fmt.Sprint(got.MessageAttributes) != want {
		t.Errorf("got %v, want %s", got.MessageAttributes, want)
	}
}

// TestSend_OfADigestThatIsAnothers has SQS say that something else arrived than was sent.
func TestSend_OfADigestThatIsAnothers(t *testing.T) {
	t.Parallel()
	aws := amazontest.New(t)
	aws.NextRaw(func(w http.ResponseWriter, _ bool) {
		_, _ = io.WriteString(w, `{"MessageId":"219f8380-5770-4cc2-8c3e-5c715e145f5e","MD5OfMessageBody":"d41d8cd98f00b204e9800998ecf8427e"}`)
	})
	receipt, err := open(t, aws, config{"queue_url": standard}).Send(t.Context(), destinationtest.Message())
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomeAmbiguous || receipt.ExternalID != "" {
		t.Errorf("got %s, %+v (error %v), want AMBIGUOUS", outcome, receipt, err)
	}
}

func TestRender_IsWhatIsSent(t *testing.T) {
	t.Parallel()
	for _, c := range []config{{"queue_url": standard, "delay_seconds": 5}, {"queue_url": fifo}} {
		sent := send(t, amazontest.New(t), c, destinationtest.Fallback())[0]
		rendering, err := amazontest.Open(t, amazonsqs.Type, amazontest.Keys().And(c)).Render(destinationtest.Fallback())
		if err != nil {
			t.Fatal(err)
		}
		var rendered amazontest.Message
		if err := json.Unmarshal(rendering.Body, &rendered); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(rendered) != fmt.Sprint(sent) {
			t.Errorf("the rendering is\n%+v, sent was\n%+v", rendered, sent)
		}
	}
}

func TestSend_WhateverThereIsIsTaken(t *testing.T) {
	t.Parallel()
	for _, m := range destinationtest.Messages() {
		destinationtest.CheckPayload(t, []byte(send(t, amazontest.New(t), config{"queue_url": standard}, m)[0].MessageBody))
	}
}

func TestSend_TheCorpusIsTaken(t *testing.T) {
	t.Parallel()
	for _, m := range send(t, amazontest.New(t), config{"queue_url": standard}, destinationtest.Corpus(t)...) {
		destinationtest.CheckPayload(t, []byte(m.MessageBody))
	}
}

func TestConfig_ReportsEveryWrongField(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][]string{
		`{"queue_url":"` + standard + `"}`: nil,
		`{}`:                               {"/queue_url"},
		`{"queue_url":"alerts"}`:           {"/queue_url"},
		`{"queue_url":"https://user:hidden@sqs.us-east-1.amazonaws.com/123456789012/alerts"}`: {"/queue_url"},
		`{"queue_url":"https://example.com/"}`:                                                {"/queue_url"},
		`{"queue_url":"https://queues.example.com/123456789012/alerts"}`:                      {"/region"},
		`{"queue_url":"https://queues.example.com/123456789012/alerts","region":"us-east-1"}`: nil,
		`{"queue_url":"alerts","region":"here","profile":"\n"}`:                               {"/profile", "/queue_url", "/region"},
		`{"queue_url":"` + standard + `","delay_seconds":900}`:                                nil,
		`{"queue_url":"` + standard + `","delay_seconds":901}`:                                {"/delay_seconds"},
		`{"queue_url":"` + standard + `","delay_seconds":-1}`:                                 {"/delay_seconds"},
		`{"queue_url":"` + fifo + `","delay_seconds":1}`:                                      {"/delay_seconds"},
		`{"queue_url":"` + fifo + `","delay_seconds":0}`:                                      nil,
		`{"queue_url":"` + standard + `","message_group_id":"é"}`:                             {"/message_group_id"},
		`{"queue_url":"` + standard + `","max_message_bytes":1}`:                              {"/max_message_bytes"},
		`{"queue_url":"` + standard + `","max_message_bytes":262144}`:                         nil,
		`{"queue_url":"` + standard + `","topic_arn":"x"}`:                                    {"/topic_arn"},
	} {
		_, _, err := amazonsqs.Type.Split(json.RawMessage(raw), nil)
		var got []string
		for _, f := range problem.FieldsOf(err) {
			got = append(got, f.Name)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v (error %v), want %v", raw, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error %q quotes a secret", raw, err)
		}
	}
}
