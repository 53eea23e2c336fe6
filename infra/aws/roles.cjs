"use strict";

// Creates an IAM role per function, with only the rights that its environment and events imply:
// it may read the parameters in SSM_NAMES, send to the queues in its environment and receive from
// the queues among its events.

const arn = (service, resource) => ({
  "Fn::Sub": `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}`,
});

const allow = (actions, resources) => ({
  Effect: "Allow",
  Action: actions,
  Resource: resources,
});

function* rightsOf(fn, ssmPath) {
  // Lambda chooses the names of the log streams, so the rights can't be narrower.
  yield allow(["logs:CreateLogStream", "logs:PutLogEvents"], [
    arn("logs", `log-group:/aws/lambda/${fn.name}:*`),
  ]);
  const { SSM_NAMES: names, ...others } = fn.environment || {};
  if (names) {
    const parameters = names.split(",").filter(Boolean).map((name) => arn("ssm", `parameter${ssmPath}/${name}`));
    yield allow(["ssm:GetParameters"], parameters);
  }
  const targets = Object.values(others).filter((value) => value && value.Ref);
  if (targets.length) {
    yield allow(["sqs:SendMessage"], targets.map(({ Ref }) => ({ "Fn::GetAtt": [Ref, "Arn"] })));
  }
  const sources = fn.events.filter((event) => event.sqs).map((event) => event.sqs.arn);
  if (sources.length) {
    const actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
    yield allow(actions, sources);
  }
}

const roleOf = (fn, ssmPath) => ({
  Type: "AWS::IAM::Role",
  Properties: {
    AssumeRolePolicyDocument: {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Service: "lambda.amazonaws.com" },
          Action: "sts:AssumeRole",
        },
      ],
    },
    Policies: [
      {
        PolicyName: "rights",
        PolicyDocument: { Version: "2012-10-17", Statement: [...rightsOf(fn, ssmPath)] },
      },
    ],
  },
});

module.exports = class RolePerFunction {
  constructor(serverless) {
    this.hooks = {
      initialize: () => {
        const { service } = serverless;
        const { naming } = serverless.getProvider("aws");
        for (const key of service.getAllFunctions()) {
          const fn = service.getFunction(key);
          fn.role = `${naming.getNormalizedFunctionName(key)}Role`;
          service.resources.Resources[fn.role] = roleOf(fn, service.provider.environment.SSM_PATH);
        }
      },
    };
  }
};
