// SPDX-License-Identifier: MPL-2.0

package amazonsqs

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/payload"
)

// message makes the call for an alert. cut tells whether something had to go to fit.
func (s *sender) message(m *destination.Message) (input *sqs.SendMessageInput, cut bool) {
	attributes := amazon.Attributes(m)
	limit := m.Within(s.config.MaxMessageBytes) - amazon.SizeOf(attributes)
	body, cut := payload.Render(m, limit, amazon.JSONSize)
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
