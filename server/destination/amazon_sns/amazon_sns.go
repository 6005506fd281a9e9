// SPDX-License-Identifier: MPL-2.0

// Package amazonsns publishes alerts to topics of the Amazon Simple Notification Service:
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
//
//	amazon_sns.go   what a user sets, and sending
//	message.go      the message, within the limits of SNS
//	people.go       what it says to people: subject, e-mail and text message
//
// Who calls, and what AWS's errors mean, is in package amazon.
package amazonsns

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	jsonv2 "github.com/go-json-experiment/json"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon"
)

// Type is the Amazon SNS destination. What a topic takes in a second depends on the region, and is far more than alerts
// are: https://docs.aws.amazon.com/general/latest/gr/sns.html
var Type = destination.Define("amazon_sns", New)

// Config is what a user sets.
type Config struct {
	amazon.Access
	TopicARN         string `json:"topic_arn"`
	MessageStructure string `json:"message_structure,omitempty"` // json, string, or "": string for first-in-first-out topics
	amazon.Form
}

// The structures of a message: one text for each kind of subscriber, or one for all.
const (
	structureJSON   = "json"
	structureString = "string"
)

// defaultMessage is where a topic's MaximumMessageSize stands unless somebody moved it:
// https://docs.aws.amazon.com/sns/latest/dg/large-message-payloads.html
const defaultMessage = 256 << 10

// SetDefaults fills in the size a topic takes unless it was told otherwise.
func (c *Config) SetDefaults() { c.MaxMessageBytes = defaultMessage }

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var faults destination.Faults
	topic, ok := amazon.ParseTopic(c.TopicARN)
	switch {
	case c.TopicARN == "":
		faults.Add("/topic_arn", "is required")
	case !ok:
		faults.Add("/topic_arn", "must be the ARN of a topic, such as arn:aws:sns:us-east-1:123456789012:alerts")
	}
	named := topic.Region
	if !ok {
		named = cmp.Or(c.Region, "none") // what it should name is not known, so nothing is wrong with the region
	}
	c.Access.Validate(&faults, "topic_arn", named)
	faults.Optional("/message_structure", c.MessageStructure, destination.OneOf(structureJSON, structureString))
	c.Form.Validate(&faults)
	return faults.Err()
}

type sender struct {
	config Config
	topic  amazon.Topic
	caller *amazon.Caller
	client *sns.Client
}

// New returns a sender; it does no I/O.
func New(c Config, env destination.Env) (destination.Sender, error) {
	if c.MaxMessageBytes == 0 {
		c.MaxMessageBytes = defaultMessage
	}
	topic, _ := amazon.ParseTopic(c.TopicARN) // it is valid
	if c.MessageStructure == "" {
		c.MessageStructure = structureJSON
		if topic.FIFO { // only queues subscribe to those
			c.MessageStructure = structureString
		}
	}
	caller := amazon.NewCaller(c.Access, topic.Region, "", env)
	return &sender{config: c, topic: topic, caller: caller, client: sns.NewFromConfig(caller.Config())}, nil
}

// Render returns the parts of the call.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	input, cut := s.message(m)
	body, err := jsonv2.Marshal(partsOf(input), jsonv2.Deterministic(true))
	return destination.Rendering{Body: body, Truncated: cut}, err
}

// Send makes one attempt. Repeats of a delivery within five minutes are dropped by first-in-first-out topics, and by no
// others.
func (s *sender) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	input, cut := s.message(m)
	receipt, err := s.caller.Call(ctx, func(by amazon.Means) (*string, error) {
		output, err := s.client.Publish(ctx, input, func(o *sns.Options) {
			o.HTTPClient, o.Credentials = by.HTTPClient, by.Credentials
		})
		if err != nil {
			return nil, err
		}
		return output.MessageId, nil
	})
	receipt.Truncated = cut
	return receipt, err
}
