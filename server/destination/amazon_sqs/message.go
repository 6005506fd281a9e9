// SPDX-License-Identifier: MPL-2.0

package amazonsqs

import (
	"errors"
	"regexp"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/payload"
)

// message makes the call for an alert, of at most limit bytes with its attributes. cut tells whether something had to
// go to fit.
func (s *sender) message(m *destination.Message, limit int) (input *sqs.SendMessageInput, cut bool) {
	attributes := amazon.Attributes(m)
	body, cut := payload.Render(m, limit-amazon.SizeOf(attributes), amazon.JSONSize)
	input = &sqs.SendMessageInput{
		QueueUrl:          &s.config.QueueURL,
		MessageBody:       aws.String(amazon.CleanJSON(body)),
		MessageAttributes: map[string]types.MessageAttributeValue{},
		DelaySeconds:      int32(s.config.DelaySeconds), //nolint:gosec // at most 900
	}
	for _, a := range attributes {
		input.MessageAttributes[a.Name] = types.MessageAttributeValue{DataType: aws.String(a.Type), StringValue: aws.String(a.Value)}
	}
	input.MessageGroupId, input.MessageDeduplicationId = s.config.IDs(m, s.queue.FIFO)
	return input, cut
}

// tooLong is what SQS says of a message that is over the queue's own limit, with error code InvalidParameterValue. A
// queue from before August 2025 has 256 KiB unless somebody raised it.
var tooLong = regexp.MustCompile(`Message must be shorter than (\d{1,7}) bytes`)

// smallerLimit finds the queue's limit in an error; ok is false when the error is another one.
func smallerLimit(err error) (limit int, ok bool) {
	said, isAmazon := errors.AsType[*amazon.Error](err)
	if !isAmazon {
		return 0, false
	}
	found := tooLong.FindStringSubmatch(said.Message)
	if found == nil {
		return 0, false
	}
	limit, _ = strconv.Atoi(found[1])
	return limit, limit >= amazon.LeastMessage
}

// parts is a call as SQS gets it.
type parts struct {
	QueueUrl               *string //nolint:revive // the vendor's name
	MessageBody            *string
	MessageAttributes      map[string]attribute
	DelaySeconds           int32   `json:",omitzero"`
	MessageGroupId         *string `json:",omitzero"` //nolint:revive // the vendor's name
	MessageDeduplicationId *string `json:",omitzero"` //nolint:revive // the vendor's name
}

type attribute struct{ DataType, StringValue *string }

func partsOf(input *sqs.SendMessageInput) parts {
	p := parts{
		QueueUrl: input.QueueUrl, MessageBody: input.MessageBody, MessageAttributes: map[string]attribute{},
		DelaySeconds: input.DelaySeconds, MessageGroupId: input.MessageGroupId, MessageDeduplicationId: input.MessageDeduplicationId,
	}
	for name, a := range input.MessageAttributes {
		p.MessageAttributes[name] = attribute{DataType: a.DataType, StringValue: a.StringValue}
	}
	return p
}
