// SPDX-License-Identifier: MPL-2.0

// Package amazonsqs sends alerts to queues of the Amazon Simple Queue Service:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
//
//	amazon_sqs.go   what a user sets, and sending
//	message.go      the message, within the limits of SQS
//
// Who calls, and what AWS's errors mean, is in package amazon.
package amazonsqs

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	jsonv2 "github.com/go-json-experiment/json"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// Type is the Amazon SQS destination. What a queue takes in a second is without limit, or, first in, first out, 300
// messages: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
var Type = destination.Define("amazon_sqs", New)

// Config is what a user sets.
type Config struct {
	amazon.Access
	QueueURL     string `json:"queue_url"`
	DelaySeconds int    `json:"delay_seconds,omitempty"` // 0: the queue's setting
	amazon.Form
}

// defaultMessage is where a new queue's MaximumMessageSize stands, and the most it can be:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
const defaultMessage = 1 << 20

// maxDelay is the longest a queue may hold a message back, in seconds.
const maxDelay = 900

// SetDefaults fills in the size a queue takes unless it was told otherwise.
func (c *Config) SetDefaults() { c.MaxMessageBytes = defaultMessage }

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var faults destination.Faults
	queue, ok := amazon.ParseQueue(c.QueueURL)
	switch fault := outbound.CheckURL(c.QueueURL); {
	case c.QueueURL == "":
		faults.Add("/queue_url", "is required")
	case fault != "":
		faults.Add("/queue_url", "%s", fault)
	case !ok:
		faults.Add("/queue_url", "must be the URL of a queue, such as https://sqs.us-east-1.amazonaws.com/123456789012/alerts")
	}
	named := queue.Region
	if !ok {
		named = cmp.Or(c.Region, "none") // what it should name is not known, so nothing is wrong with the region
	}
	c.Access.Validate(&faults, "queue_url", named)
	switch {
	case c.DelaySeconds < 0 || c.DelaySeconds > maxDelay:
		faults.Add("/delay_seconds", "must be 0 to %d", maxDelay)
	case c.DelaySeconds > 0 && queue.FIFO:
		faults.Add("/delay_seconds", "must not be set for a first-in-first-out queue, which has one delay for all messages")
	}
	c.Form.Validate(&faults)
	return faults.Err()
}

type sender struct {
	config Config
	queue  amazon.Queue
	caller *amazon.Caller
	client *sqs.Client
}

// New returns a sender; it does no I/O.
func New(c Config, env destination.Env) (destination.Sender, error) {
	if c.MaxMessageBytes == 0 {
		c.MaxMessageBytes = defaultMessage
	}
	queue, _ := amazon.ParseQueue(c.QueueURL) // it is valid
	caller := amazon.NewCaller(c.Access, queue.Region, queue.Endpoint, env)
	return &sender{config: c, queue: queue, caller: caller, client: sqs.NewFromConfig(caller.Config())}, nil
}

// Render returns the call as SQS gets it.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	input, cut := s.message(m)
	body, err := jsonv2.Marshal(partsOf(input), jsonv2.Deterministic(true))
	return destination.Rendering{Body: body, Truncated: cut}, err
}

// Send makes one attempt. Repeats of a delivery within five minutes are dropped by first-in-first-out queues, and by no
// others.
func (s *sender) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	input, cut := s.message(m)
	receipt, err := s.caller.Call(ctx, func(by amazon.Means) (*string, error) {
		output, err := s.client.SendMessage(ctx, input, func(o *sqs.Options) {
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
